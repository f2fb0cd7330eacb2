//! Every score on real images: the shipped model, fitted to what it was trained on.

use std::path::Path;
use std::sync::Arc;

use indicatif::ProgressBar;
use normgate_core::detection::auroc;
use normgate_core::scores::{FitData, Fitted, Score, ScoreKind};
use normgate_core::{Model, Runtime};
use normgate_evaluation::datasets::{LoadOptions, load};
use normgate_evaluation::outputs::{self, SetOutputs};
use normgate_testing::image_sets;

#[test]
fn every_score_tells_textures_from_the_test_images_and_the_fusion_is_better_than_its_parts() {
    let Some(sets) = image_sets("every_score_tells_textures_from_the_test_images") else {
        return;
    };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/cifar10-lt.onnx");
    let model = Model::open(&file).unwrap();
    let runtime = Runtime::load(None).unwrap();
    let answers = |name: &str, step: usize| -> SetOutputs {
        let set = load(&sets.join(name), &LoadOptions::test()).unwrap();
        let some = set.select(&(0..set.len()).step_by(step).collect::<Vec<_>>());
        outputs::run(&runtime, &model, &some, 2, &ProgressBar::hidden()).unwrap()
    };
    let train = answers("cifar10_train_lt100", 2);
    let labels: Vec<usize> = train.labels.iter().map(|label| label.unwrap()).collect();
    let sizes = (train.classes, train.size);
    let layer = model.last_layer();
    let data = FitData::new(sizes, &labels, &train.logits, &train.representation, layer).unwrap();
    let score = |kind: ScoreKind| -> Arc<dyn Score> {
        match kind.unfitted() {
            Some(score) => score,
            None => Arc::new(Fitted::fit(kind, &data, None).unwrap()),
        }
    };

    let (id, far) = (answers("cifar10_test", 10), answers("ood_textures", 2));
    let near = answers("ood_cifar100_test", 20);
    let against = |ood: &SetOutputs, kind: ScoreKind| {
        let score = score(kind);
        auroc(&id.scores(&*score), &ood.scores(&*score)).unwrap()
    };
    for kind in ScoreKind::ALL {
        let found = against(&far, kind);
        assert!(found > 0.6, "{kind}: {found}");
    }
    let [norm, energy, fusion] = [
        ScoreKind::RepresentationNorm,
        ScoreKind::Energy,
        ScoreKind::Fusion,
    ]
    .map(|kind| (against(&near, kind) + against(&far, kind)) / 2.0);
    assert!(
        fusion > norm.max(energy),
        "{norm} and {energy} became {fusion}"
    );
}
