//! Fig. 7: norms over training.

use super::super::figures::{Figure, Side};
use super::super::models::rna;
use super::super::tasks::Task;
use super::{Block, Picture, Row, Table};

/// Fig. 7, whose curves the paper does not give in numbers.
pub fn fig7() -> Table {
    let task = Task::Cifar10Lt;
    let model = rna(task);
    let figures = [
        Figure::TrainingNorm(Side::Id),
        Figure::TrainingNorm(Side::Ood),
        Figure::Norm(Side::Id),
        Figure::Norm(Side::Ood),
    ];
    let row = Row::of("RNA", &model, model.score, &figures, []);
    Table {
        id: "fig7",
        title: "Figure 7: dynamics of training with RNA",
        asks: "Does training widen the gap between the norms of ID and OOD images, also for images \
               that are not trained on?",
        notes: &[
            "The paper shows curves without numbers, and says that training widens the gap.",
            "`train_head` and `test_head` have 600 images each, of the three classes with the \
             most training images; `train_tail` (272 images) and `test_tail` (600) are of the \
             three with the fewest; `ood_textures` and `ood_cifar100_unseen` have 500 OOD test \
             images each. Their norms are taken in evaluation mode, after each epoch.",
            "Norms of training and auxiliary images are means over each epoch, in train mode, of \
             all classes.",
        ],
        picture: Picture::Dynamics,
        blocks: vec![Block::of(task, &figures, vec![row])],
    }
}
