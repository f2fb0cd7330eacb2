//! All images of a batch augmented at once, in tensor operations on the network's device: a GPU gets bytes instead of
//! floats, and the loaders only draw random numbers.

use tch::{Device, Kind, TchError, Tensor};

use super::Drawn;
use super::colour::{Change, GREY};

/// Augments a batch's images as [`Augmenter::apply`](super::Augmenter::apply) does each of them, with what
/// [`Augmenter::draw`](super::Augmenter::draw) has drawn. The results differ only by rounding.
///
/// `images` are squares of `side` pixels, HWC, RGB bytes, one after another, as many as there are draws. The
/// result is [images, 3, side, side], float32, 0 to 1, on the device.
///
/// # Errors
///
/// [`TchError`] if the device's memory does not suffice, or if the bytes are not as many images as there are draws.
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
    let plan = Uploaded::new(drawn, device)?;
    let mut images = plan.placed(&bytes)?;
    for group in &plan.groups {
        let which = plan.numbers.f_narrow(0, group.first, group.count)?;
        let by = plan.factors.f_narrow(0, group.first, group.count)?;
        let some = images.f_index_select(0, &which)?;
        let changed = match group.change {
            Some(change) => changed(change, &some, &by.f_view([-1, 1, 1, 1])?)?,
            None => grey(&some)?.f_expand_as(&some)?,
        };
        images = images.f_index_copy_(0, &which, &changed)?;
    }
    Ok(images)
}

/// Images that get the same operation: a change of colours or, without one, grey.
struct Group {
    change: Option<Change>,
    /// Where their numbers and factors begin.
    first: i64,
    count: i64,
}

/// What was drawn, on the device: in only three copies, since each waits for what the network computes there.
struct Uploaded {
    /// [3, images]: how far each moves down, how far right, and whether it is mirrored.
    places: Tensor,
    /// In the order in which they are carried out.
    groups: Vec<Group>,
    /// Each group's images, as places in the batch.
    numbers: Tensor,
    /// By how much each of these images is changed.
    factors: Tensor,
}

impl Uploaded {
    fn new(drawn: &[Drawn], device: Device) -> Result<Self, TchError> {
        let (mut groups, mut numbers, mut factors) = (Vec::new(), Vec::new(), Vec::new());
        let mut add = |change, by: &dyn Fn(&Drawn) -> Option<f32>| {
            let first = numbers.len();
            let group = (0_i64..).zip(drawn);
            for (number, by) in group.filter_map(|(number, drawn)| Some((number, by(drawn)?))) {
                numbers.push(number);
                factors.push(by);
            }
            let count = (numbers.len() - first) as i64;
            let first = first as i64;
            groups.extend((count > 0).then_some(Group {
                change,
                first,
                count,
            }));
        };
        let last = drawn.iter().map(|drawn| drawn.colour.len()).max();
        for turn in 0..last.unwrap_or(0) {
            // Each image has its own order, so at each turn all those are grouped whose next change is the same.
            for change in Change::ALL {
                add(Some(change), &|drawn| match drawn.colour.get(turn) {
                    Some(&(next, by)) if next == change => Some(by),
                    _ => None,
                });
            }
        }
        add(None, &|drawn| drawn.grey.then_some(0.0));
        let places = [0, 1, 2].map(|row| {
            drawn.iter().map(move |drawn| match row {
                0 => drawn.offset.0 as i64,
                1 => drawn.offset.1 as i64,
                _ => drawn.mirrored.into(),
            })
        });
        let places: Vec<i64> = places.into_iter().flatten().collect();
        Ok(Self {
            places: Tensor::f_from_slice(&places)?
                .f_view([3, drawn.len() as i64])?
                .f_to_device(device)?,
            groups,
            numbers: Tensor::f_from_slice(&numbers)?.f_to_device(device)?,
            factors: Tensor::f_from_slice(&factors)?.f_to_device(device)?,
        })
    }

    /// The images as planes, 0 to 1, mirrored and moved; what moves in is black.
    fn placed(&self, bytes: &Tensor) -> Result<Tensor, TchError> {
        let (count, side) = (bytes.size()[0], bytes.size()[1]);
        let row = |row| self.places.f_select(0, row)?.f_unsqueeze(1);
        let along = Tensor::f_arange(side, (Kind::Int64, bytes.device()))?.f_unsqueeze(0)?;
        // Where each row and each column of the result comes from.
        let rows = along.f_sub(&row(0)?)?;
        let columns = along.f_sub(&row(1)?)?;
        let inside = |from: &Tensor| from.f_ge(0)?.f_logical_and(&from.f_lt(side)?);
        let shown = inside(&rows)?
            .f_unsqueeze(2)?
            .f_logical_and(&inside(&columns)?.f_unsqueeze(1)?)?
            .f_unsqueeze(1)?;
        let mirrored = row(2)?.f_to_kind(Kind::Bool)?;
        let columns = from_end(&columns, side - 1)?.f_where_self(&mirrored, &columns)?;
        let clamped = |from: &Tensor| from.f_clamp(0, side - 1);
        let first_of_row = clamped(&rows)?.f_mul_scalar(side)?.f_unsqueeze(2)?;
        let from = first_of_row.f_add(&clamped(&columns)?.f_unsqueeze(1)?)?;
        let area = side * side;
        let from = from
            .f_view([count, 1, area])?
            .f_expand([count, 3, area], false)?;
        let planes = bytes.f_view([count, area, 3])?.f_transpose(1, 2)?;
        planes
            .f_gather(2, &from, false)?
            .f_view([count, 3, side, side])?
            .f_to_kind(Kind::Float)?
            .f_mul_scalar(1.0 / 255.0)?
            .f_mul(&shown)
    }
}

/// Changes the images' colours as `colour.rs` changes those of one.
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
    let share = |channel: usize| {
        let values = images.f_narrow(1, channel as i64, 1)?;
        values.f_mul_scalar(f64::from(GREY[channel]))
    };
    share(0)?.f_add(&share(1)?)?.f_add(&share(2)?)
}

fn hue(images: &Tensor, turn: &Tensor) -> Result<Tensor, TchError> {
    let most = images.f_amax([1].as_slice(), true)?;
    let chroma = most.f_sub(&images.f_amin([1].as_slice(), true)?)?;
    let grey = chroma.f_eq(0.0)?;
    let scale = chroma.f_reciprocal()?.f_masked_fill(&grey, 0.0)?;
    let channel = |number| images.f_narrow(1, number, 1);
    let (red, green, blue) = (channel(0)?, channel(1)?, channel(2)?);
    // The hue in sixths of the circle, counted from the strongest primary.
    let from = |start: f64, one: &Tensor, other: &Tensor| {
        one.f_sub(other)?.f_mul(&scale)?.f_add_scalar(start)
    };
    let not_red = from(2.0, &blue, &red)?
        .f_where_self(&most.f_eq_tensor(&green)?, &from(4.0, &red, &green)?)?;
    let sixths = from(0.0, &green, &blue)?.f_where_self(&most.f_eq_tensor(&red)?, &not_red)?;
    let sixths = sixths.f_add(&turn.f_mul_scalar(6.0)?)?;
    let shifted = |shift: f64| sixths.f_add_scalar(shift);
    let place = Tensor::f_cat(&[shifted(5.0)?, shifted(3.0)?, shifted(1.0)?], 1)?;
    let circles = place.f_mul_scalar(1.0 / 6.0)?.f_floor()?;
    let place = place.f_sub(&circles.f_mul_scalar(6.0)?)?;
    let trapezoid = place.f_minimum(&from_end(&place, 4)?)?.f_clamp(0, 1)?;
    most.f_sub(&chroma.f_mul(&trapezoid)?)
}

/// `end` minus each value.
fn from_end(values: &Tensor, end: i64) -> Result<Tensor, TchError> {
    values.f_neg()?.f_add_scalar(end)
}
