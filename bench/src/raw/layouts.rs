use std::fmt;

use normgate_core::runtime::Device;
use serde::{Deserialize, Serialize};

/// Batch sizes to try for the raw limit: up to the server's largest, and twice that.
pub fn batches(device: Device) -> &'static [usize] {
    match device {
        Device::Cpu => &[1, 2, 4, 8, 16, 32],
        Device::Cuda(_) => &[1, 4, 16, 32, 64, 128],
    }
}

/// How the processors are shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Sessions that run at the same time.
    pub sessions: usize,
    /// Threads of each.
    pub threads: usize,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}", self.sessions, self.threads)
    }
}

/// The layouts to try. On a card: one session, or two, which may overlap copying with computing. On processors: one
/// session of one thread, and everything from one session on all cores to a session for each core, in powers of two.
pub fn layouts(device: Device, cores: usize) -> Vec<Layout> {
    if device != Device::Cpu {
        return [1, 2]
            .map(|sessions| Layout {
                sessions,
                threads: 1,
            })
            .into();
    }
    let mut layouts = vec![Layout {
        sessions: 1,
        threads: 1,
    }];
    let powers = (0..usize::BITS).map(|power| 1 << power);
    for sessions in powers
        .take_while(|&sessions| sessions < cores)
        .chain([cores])
    {
        let layout = Layout {
            sessions,
            threads: cores / sessions,
        };
        if !layouts.contains(&layout) {
            layouts.push(layout);
        }
    }
    layouts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(cores: usize) -> Vec<String> {
        layouts(Device::Cpu, cores)
            .iter()
            .map(Layout::to_string)
            .collect()
    }

    #[test]
    fn layouts_go_from_one_session_on_all_cores_to_one_session_a_core() {
        assert_eq!(names(1), ["1 × 1"]);
        assert_eq!(names(2), ["1 × 1", "1 × 2", "2 × 1"]);
        assert_eq!(names(8), ["1 × 1", "1 × 8", "2 × 4", "4 × 2", "8 × 1"]);
        assert_eq!(names(6), ["1 × 1", "1 × 6", "2 × 3", "4 × 1", "6 × 1"]);
    }
}
