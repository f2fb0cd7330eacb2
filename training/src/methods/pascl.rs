//! Partial and Asymmetric Supervised Contrastive Learning (Wang et al., ICML 2022, Eq. 3 to 5): Outlier Exposure, and
//! a loss that pulls images of each rare class together and pushes them away from auxiliary ones, which they are most
//! often mistaken for.
//!
//! Partial: only the rarest classes are contrasted. Asymmetric: they are pulled together, auxiliary images are not.
//! Two views of each in-distribution image take part, in the classification too; auxiliary images have one. As in the
//! authors' code, the first stage classifies without logit adjustment, which comes with the second
//! ([`MethodKind::is_second_stage`]). Their batch is 256.
//!
//! [`MethodKind::is_second_stage`]: super::MethodKind::is_second_stage

use tch::{Device, Kind, TchError, Tensor};

use super::{Hyperparameters, Loss, Method, OutlierExposure, Step};

/// PASCL's first stage: CE + λ·OE + λ₂·mean over the views a of rare classes of −mean over its positives p of
/// log(exp(a·p/T) / Σ exp(a·c/T)), where the positives are the other views of a's class, and c runs over all other
/// views of rare classes and all auxiliary images; every vector is the projection h(f), normalised. λ = 0.5,
/// λ₂ = 0.1, T = 0.07 (CIFAR-100: 0.02, 0.2), the rarest 40 % of the classes.
#[derive(Debug)]
pub struct Pascl {
    outliers: OutlierExposure,
    contrast_weight: f64,
    temperature: f64,
    /// Whether a class is among the rarest, [classes], bool.
    rare: Tensor,
}

impl Pascl {
    /// Takes Outlier Exposure, the hyperparameters of the contrast, and how many images each class has.
    ///
    /// # Errors
    ///
    /// [`TchError`] if the device has no memory left.
    pub fn new(
        outliers: OutlierExposure,
        more: &Hyperparameters,
        class_counts: &[u64],
        device: Device,
    ) -> Result<Self, TchError> {
        let rare = rarest(class_counts, more.tail);
        Ok(Self {
            outliers,
            contrast_weight: more.contrast_weight,
            temperature: more.temperature,
            rare: Tensor::f_from_slice(&rare)?.f_to_device(device)?,
        })
    }

    fn contrast(&self, step: &Step<'_>) -> Result<Tensor, TchError> {
        let is_rare = self.rare.f_index_select(0, step.labels)?;
        let chosen = is_rare.f_nonzero()?.f_squeeze_dim(1)?;
        let outliers = directions(&step.network.project(step.auxiliary)?)?;
        if chosen.size()[0] == 0 {
            // 0, with a gradient of 0 for the projection.
            return outliers.f_sum(Kind::Float)?.f_mul_scalar(0.0);
        }
        let labels = step.labels.f_index_select(0, &chosen)?;
        let rare = step.representation.f_index_select(0, &chosen)?;
        let anchors = directions(&step.network.project(&rare)?)?;

        let candidates = Tensor::f_cat(&[&anchors, &outliers], 0)?;
        let similarity = anchors
            .f_matmul(&candidates.f_transpose(0, 1)?)?
            .f_div_scalar(self.temperature)?;
        let own = similarity
            .f_zeros_like()?
            .f_fill_diagonal_(1.0, false)?
            .f_to_kind(Kind::Bool)?;
        let others = similarity.f_masked_fill(&own, f64::NEG_INFINITY)?;
        let probability = similarity.f_sub(&others.f_logsumexp([1], true)?)?;

        let alike = labels
            .f_unsqueeze(1)?
            .f_eq_tensor(&labels.f_unsqueeze(0)?)?
            .f_to_kind(Kind::Float)?;
        let unlike = Tensor::f_zeros(
            [alike.size()[0], outliers.size()[0]],
            (Kind::Float, alike.device()),
        )?;
        let positives = Tensor::f_cat(&[&alike, &unlike], 1)?.f_masked_fill(&own, 0.0)?;
        let count = positives.f_sum_dim_intlist([1].as_slice(), false, Kind::Float)?;
        probability
            .f_mul(&positives)?
            .f_sum_dim_intlist([1].as_slice(), false, Kind::Float)?
            .f_div(&count)?
            .f_mean(Kind::Float)?
            .f_neg()
    }
}

impl Method for Pascl {
    fn loss(&self, step: &Step<'_>) -> Result<Loss, TchError> {
        let mut loss = self.outliers.loss(step)?;
        let contrast = self.contrast(step)?;
        loss.total = loss
            .total
            .f_add(&contrast.f_mul_scalar(self.contrast_weight)?)?;
        loss.parts.push(("contrast_loss", contrast.f_detach()?));
        Ok(loss)
    }
}

/// Vectors scaled to length 1, [N, d]; one of length 0 stays.
fn directions(vectors: &Tensor) -> Result<Tensor, TchError> {
    let lengths = vectors.f_norm_scalaropt_dim(2.0, [1].as_slice(), true)?;
    vectors.f_div(&lengths.f_clamp_min(1e-12)?)
}

/// Which classes are among the `share` with the fewest images; of equally large ones, the later.
fn rarest(class_counts: &[u64], share: f64) -> Vec<bool> {
    let classes = class_counts.len();
    let mut by_size: Vec<usize> = (0..classes).collect();
    by_size.sort_by_key(|&class| std::cmp::Reverse(class_counts[class]));
    let frequent = ((1.0 - share) * classes as f64).round() as usize;
    let mut rare = vec![false; classes];
    for &class in &by_size[frequent.min(classes)..] {
        rare[class] = true;
    }
    rare
}

#[cfg(test)]
mod tests {
    use super::rarest;

    #[test]
    fn the_rarest_classes_are_found_whatever_their_order() {
        assert_eq!(
            rarest(&[3, 50, 7, 20, 9], 0.4),
            [true, false, true, false, false]
        );
        let tenth: Vec<u64> = (1..=10).rev().collect();
        assert_eq!(rarest(&tenth, 0.4)[5..], [false, true, true, true, true]);
        // 3.6 of 6 are frequent.
        assert_eq!(rarest(&[6, 5, 4, 3, 2, 1], 0.4)[3..], [false, true, true]);
        assert_eq!(rarest(&[5, 5], 0.5), [false, true]);
        assert_eq!(rarest(&[5, 5], 1.0), [true, true]);
    }
}
