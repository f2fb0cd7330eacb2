//! All images of a batch varied together, in tensor operations where the network computes: bytes go to a
//! GPU and not floats, and the processors only draw.

use tch::{Device, Kind, TchError, Tensor};

use super::Drawn;
use super::colour::{Change, GREY};

/// Varies a batch's images as [`Augmenter::apply`](super::Augmenter::apply) varies each of them, by what
/// [`Augmenter::draw`](super::Augmenter::draw) has drawn. What both give differs by rounding alone.
///
/// `images` are squares of `side` pixels, HWC, RGB bytes, one after another, as many as there are draws. The
/// result is [images, 3, side, side], float32, 0 to 1, on the device.
///
/// # Errors
///
/// [`TchError`] where the device's memory does not suffice, or the bytes are not so many images.
pub fn apply_together(
    images: &[u8],
    side: usize,
    drawn: &[Drawn],
    device: Device,
) -> Result<Tensor, TchError> {
    let (count, side) = (drawn.len() as i64, side as i64);
    let bytes = Tensor::f_from_slice(images)?
        .f_view([count, side, side, 3])?
        .f_to_device(device)?;
    let mut images = placed(&bytes, drawn)?;
    let last = drawn.iter().map(|drawn| drawn.colour.len()).max();
    for turn in 0..last.unwrap_or(0) {
        // Each image has an order of its own: of those that turn to the same change now, all at once.
        for change in Change::ALL {
            let by = |drawn: &Drawn| match drawn.colour.get(turn) {
                Some(&(next, by)) if next == change => Some(by),
                _ => None,
            };
            images = some(images, drawn.iter().map(by), |images, by| {
                changed(change, images, by)
            })?;
        }
    }
    let turned = drawn.iter().map(|drawn| drawn.grey.then_some(1.0));
    some(images, turned, |images, _| {
        grey(images)?.f_expand_as(images)
    })
}

/// The images as planes, 0 to 1, mirrored and moved; what comes in is black.
fn placed(bytes: &Tensor, drawn: &[Drawn]) -> Result<Tensor, TchError> {
    let (side, device) = (bytes.size()[1], bytes.device());
    let each = |value: &dyn Fn(&Drawn) -> isize| {
        let values: Vec<i64> = drawn.iter().map(|drawn| value(drawn) as i64).collect();
        Tensor::f_from_slice(&values)?
            .f_view([-1, 1])?
            .f_to_device(device)
    };
    let places = Tensor::f_arange(side, (Kind::Int64, device))?.f_view([1, -1])?;
    // Where each row and each column of the result comes from.
    let rows = places.f_sub(&each(&|drawn| drawn.offset.0)?)?;
    let columns = places.f_sub(&each(&|drawn| drawn.offset.1)?)?;
    let inside = |from: &Tensor| from.f_ge(0)?.f_logical_and(&from.f_lt(side)?);
    let shown = inside(&rows)?
        .f_unsqueeze(2)?
        .f_logical_and(&inside(&columns)?.f_unsqueeze(1)?)?
        .f_unsqueeze(1)?;
    let mirrored = each(&|drawn| drawn.mirrored.into())?.f_to_kind(Kind::Bool)?;
    let columns = from_end(&columns, side - 1)?.f_where_self(&mirrored, &columns)?;
    let clamped = |from: &Tensor| from.f_clamp(0, side - 1);
    let first_of_row = clamped(&rows)?.f_mul_scalar(side)?.f_unsqueeze(2)?;
    let from = first_of_row.f_add(&clamped(&columns)?.f_unsqueeze(1)?)?;

    let count = bytes.size()[0];
    let from = from
        .f_view([count, 1, -1])?
        .f_expand([count, 3, -1], false)?;
    let planes = bytes.f_view([count, -1, 3])?.f_transpose(1, 2)?;
    planes
        .f_gather(2, &from, false)?
        .f_view([count, 3, side, side])?
        .f_to_kind(Kind::Float)?
        .f_mul_scalar(1.0 / 255.0)?
        .f_mul(&shown)
}

/// Changes those of the images for which there is a number, by that number.
fn some(
    mut images: Tensor,
    by: impl Iterator<Item = Option<f32>>,
    change: impl Fn(&Tensor, &Tensor) -> Result<Tensor, TchError>,
) -> Result<Tensor, TchError> {
    let (which, by): (Vec<i64>, Vec<f32>) =
        (0..).zip(by).filter_map(|(n, by)| Some((n, by?))).unzip();
    if which.is_empty() {
        return Ok(images);
    }
    let device = images.device();
    let which = Tensor::f_from_slice(&which)?.f_to_device(device)?;
    let by = Tensor::f_from_slice(&by)?
        .f_view([-1, 1, 1, 1])?
        .f_to_device(device)?;
    let changed = change(&images.f_index_select(0, &which)?, &by)?;
    images.f_index_copy_(0, &which, &changed)
}

/// Images with their colours changed, as `colour.rs` does it to one.
fn changed(change: Change, images: &Tensor, by: &Tensor) -> Result<Tensor, TchError> {
    let blended = |with: Tensor| {
        let rest = with.f_mul(&from_end(by, 1)?)?;
        images.f_mul(by)?.f_add(&rest)?.f_clamp(0, 1)
    };
    match change {
        Change::Brightness => images.f_mul(by)?.f_clamp(0, 1),
        Change::Contrast => {
            blended(grey(images)?.f_mean_dim([1, 2, 3].as_slice(), true, Kind::Float)?)
        }
        Change::Saturation => blended(grey(images)?),
        Change::Hue => hue(images, by),
    }
}

/// Each pixel's grey: [images, 1, side, side].
fn grey(images: &Tensor) -> Result<Tensor, TchError> {
    let shares = Tensor::f_from_slice(&GREY)?
        .f_view([1, 3, 1, 1])?
        .f_to_device(images.device())?;
    let shares = images.f_mul(&shares)?;
    shares.f_sum_dim_intlist([1].as_slice(), true, Kind::Float)
}

fn hue(images: &Tensor, turn: &Tensor) -> Result<Tensor, TchError> {
    let most = images.f_amax([1].as_slice(), true)?;
    let chroma = most.f_sub(&images.f_amin([1].as_slice(), true)?)?;
    let grey = chroma.f_eq(0.0)?;
    let scale = chroma.f_reciprocal()?.f_masked_fill(&grey, 0.0)?;
    let channel = |number| images.f_narrow(1, number, 1);
    let (red, green, blue) = (channel(0)?, channel(1)?, channel(2)?);
    // The hue in sixths of the circle, from the primary that is strongest.
    let from = |start: f64, one: &Tensor, other: &Tensor| {
        one.f_sub(other)?.f_mul(&scale)?.f_add_scalar(start)
    };
    let not_red = from(2.0, &blue, &red)?
        .f_where_self(&most.f_eq_tensor(&green)?, &from(4.0, &red, &green)?)?;
    let sixths = from(0.0, &green, &blue)?.f_where_self(&most.f_eq_tensor(&red)?, &not_red)?;
    let shifts = Tensor::f_from_slice(&[5.0_f32, 3.0, 1.0])?
        .f_view([1, 3, 1, 1])?
        .f_to_device(images.device())?;
    let place = sixths.f_add(&turn.f_mul_scalar(6.0)?)?.f_add(&shifts)?;
    let circles = place.f_mul_scalar(1.0 / 6.0)?.f_floor()?;
    let place = place.f_sub(&circles.f_mul_scalar(6.0)?)?;
    let trapezoid = place.f_minimum(&from_end(&place, 4)?)?.f_clamp(0, 1)?;
    most.f_sub(&chroma.f_mul(&trapezoid)?)
}

/// `end` minus each value.
fn from_end(values: &Tensor, end: i64) -> Result<Tensor, TchError> {
    values.f_neg()?.f_add_scalar(end)
}
