//! What comes before an image's compressed data: frame, tables, scan.

use super::huffman::{AcCodes, Codes};

/// All that decoding the scan of an ordinary JPEG needs.
pub(super) struct Header<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) components: Vec<Component>,
    pub(super) dc: [Option<Codes>; 4],
    pub(super) ac: [Option<AcCodes>; 4],
    /// The number of MCUs between two restart markers; 0 if there are none.
    pub(super) restart_interval: usize,
    /// The compressed data and everything after it.
    pub(super) scan: &'a [u8],
}

/// A colour component. Its tables are given by index.
pub(super) struct Component {
    pub(super) across: usize,
    pub(super) down: usize,
    /// What each coefficient is multiplied by, in zigzag order.
    pub(super) quantisation: [f32; 64],
    pub(super) dc: usize,
    pub(super) ac: usize,
}

/// A component as the frame declares it, before its tables are known.
#[derive(Clone, Copy)]
struct Declared {
    id: u8,
    across: usize,
    down: usize,
    quantisation: usize,
}

/// Reads up to the first scan. `None` unless it is a sequential image of one or three components, all in that scan,
/// with nothing odd about it.
pub(super) fn read(bytes: &[u8]) -> Option<Header<'_>> {
    let mut rest = bytes.strip_prefix(&[0xFF, 0xD8])?;
    let mut frame = None;
    let mut quantisation = [const { None }; 4];
    let (mut dc, mut ac) = ([const { None }; 4], [const { None }; 4]);
    let mut restart_interval = 0;
    loop {
        while let [0xFF, 0xFF, ..] = rest {
            rest = &rest[1..];
        }
        let [0xFF, marker, high, low, tail @ ..] = rest else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([*high, *low])).checked_sub(2)?;
        let (payload, after) = tail.split_at_checked(length)?;
        rest = after;
        match marker {
            0xC0 | 0xC1 if frame.is_none() => frame = Some(read_frame(payload)?),
            0xC4 => read_codes(payload, &mut dc, &mut ac)?,
            0xDB => read_quantisation(payload, &mut quantisation)?,
            0xDD => {
                restart_interval = match payload {
                    [high, low] => u16::from_be_bytes([*high, *low]).into(),
                    _ => return None,
                }
            }
            0xE0..=0xEF | 0xFE => {}
            0xDA => {
                let (width, height, declared) = frame?;
                return Some(Header {
                    width,
                    height,
                    components: read_scan(payload, &declared, &quantisation)?,
                    dc,
                    // Not earlier: a file can have millions of tables, each of which replaces one before.
                    ac: ac.map(|codes| codes.map(AcCodes::new)),
                    restart_interval,
                    scan: rest,
                });
            }
            _ => return None,
        }
    }
}

fn read_frame(payload: &[u8]) -> Option<(usize, usize, Vec<Declared>)> {
    let [8, h0, h1, w0, w1, count @ (1 | 3), components @ ..] = payload else {
        return None;
    };
    let side = |high, low| usize::from(u16::from_be_bytes([high, low]));
    let (width, height) = (side(*w0, *w1), side(*h0, *h1));
    let (triples, rest) = components.as_chunks::<3>();
    if triples.len() != usize::from(*count) || !rest.is_empty() || width == 0 || height == 0 {
        return None;
    }
    let declared = |&[id, factors, table]: &[u8; 3]| {
        let (across, down) = (factors >> 4, factors & 15);
        let sound = [across, down]
            .iter()
            .all(|factor| matches!(factor, 1 | 2 | 4));
        sound.then_some(Declared {
            id,
            // A scan of one component has its blocks one after the other, whatever the factors.
            across: if *count == 1 { 1 } else { across.into() },
            down: if *count == 1 { 1 } else { down.into() },
            quantisation: table.into(),
        })
    };
    let declared = triples.iter().map(declared).collect::<Option<_>>()?;
    Some((width, height, declared))
}

fn read_scan(
    payload: &[u8],
    declared: &[Declared],
    quantisation: &[Option<[f32; 64]>; 4],
) -> Option<Vec<Component>> {
    let (&count, rest) = payload.split_first()?;
    let (tables, progression) = rest.split_at_checked(2 * usize::from(count))?;
    let tables = tables.as_chunks::<2>().0;
    if progression != [0, 63, 0] || tables.len() != declared.len() {
        return None;
    }
    let component = |(declared, &[id, tables]): (&Declared, &[u8; 2])| {
        (id == declared.id).then_some(Component {
            across: declared.across,
            down: declared.down,
            quantisation: (*quantisation.get(declared.quantisation)?)?,
            dc: (tables >> 4).into(),
            ac: (tables & 15).into(),
        })
    };
    declared.iter().zip(tables).map(component).collect()
}

fn read_quantisation(mut payload: &[u8], tables: &mut [Option<[f32; 64]>; 4]) -> Option<()> {
    while let [info, rest @ ..] = payload {
        let wide = match info >> 4 {
            0 => false,
            1 => true,
            _ => return None,
        };
        let (values, after) = rest.split_at_checked(if wide { 128 } else { 64 })?;
        payload = after;
        let value = |i: usize| match wide {
            true => u16::from_be_bytes([values[2 * i], values[2 * i + 1]]).into(),
            false => f32::from(values[i]),
        };
        *tables.get_mut(usize::from(info & 15))? = Some(std::array::from_fn(value));
    }
    Some(())
}

fn read_codes(
    mut payload: &[u8],
    dc: &mut [Option<Codes>; 4],
    ac: &mut [Option<Codes>; 4],
) -> Option<()> {
    while let [info, rest @ ..] = payload {
        let (counts, rest) = rest.split_first_chunk::<16>()?;
        let total = counts.iter().map(|&count| usize::from(count)).sum();
        let (symbols, after) = rest.split_at_checked(total)?;
        payload = after;
        let codes = Codes::new(counts, symbols)?;
        let index = usize::from(info & 15);
        match info >> 4 {
            0 if symbols.iter().all(|&size| size <= 11) => *dc.get_mut(index)? = Some(codes),
            1 => *ac.get_mut(index)? = Some(codes),
            _ => return None,
        }
    }
    Some(())
}
