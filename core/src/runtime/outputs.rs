/// The outputs of one run, reused between runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outputs {
    /// `[count, classes]` in row-major order.
    pub logits: Vec<f32>,
    /// `[count, representation size]` in row-major order.
    pub representation: Vec<f32>,
}

impl Outputs {
    /// Empties both, but keeps their memory.
    pub fn clear(&mut self) {
        self.logits.clear();
        self.representation.clear();
    }
}
