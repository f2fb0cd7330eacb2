//! One run: a model of a certain size, with a seed; its name, and the commands that make and measure it.

use serde::{Deserialize, Serialize};

use super::models::{Model, rna};
use super::sets::{Auxiliary, Place, TrainingSets, folder_of};
use crate::config::Precision;

/// What decides a run's outcome besides its model and seed; all runs that are shown together have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Channels of the first stage.
    pub width: u16,
    /// Epochs, except those of fine-tuning.
    pub epochs: u32,
    /// The precision that convolutions compute in.
    pub precision: Precision,
}

impl Setting {
    /// For people.
    pub fn title(&self) -> String {
        let Self { width, epochs, .. } = self;
        let plural = if *epochs == 1 { "" } else { "s" };
        match self.precision {
            Precision::Fp32 => format!("width {width}, {epochs} epoch{plural}"),
            Precision::Bf16 => format!("width {width}, {epochs} epoch{plural}, bf16"),
        }
    }

    /// For names of files.
    pub fn slug(&self) -> String {
        let Self { width, epochs, .. } = self;
        match self.precision {
            Precision::Fp32 => format!("w{width}-e{epochs}"),
            Precision::Bf16 => format!("w{width}-e{epochs}-bf16"),
        }
    }

    /// As options of `reproduce`.
    pub fn options(&self) -> String {
        let Self { width, epochs, .. } = self;
        match self.precision {
            Precision::Fp32 => format!("--width {width} --epochs {epochs}"),
            Precision::Bf16 => format!("--width {width} --epochs {epochs} --precision bf16"),
        }
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What is trained.
    pub model: Model,
    /// How large, for how long.
    pub setting: Setting,
    /// Seed of every random choice.
    pub seed: u64,
}

impl Run {
    /// The name of its folders.
    pub fn name(&self) -> String {
        let (model, setting) = (self.model.name(), self.setting.slug());
        format!("{model}-{setting}-s{}", self.seed)
    }

    /// The run that this one starts from.
    pub fn before(&self) -> Option<Self> {
        let (model, _) = self.model.after.as_ref()?;
        Some(Self {
            model: (**model).clone(),
            ..self.clone()
        })
    }

    /// Passes over the training images.
    pub fn epochs(&self) -> u32 {
        match self.model.after {
            // So that a trial of few epochs does not spend most of its time on tuning.
            Some((_, epochs)) => epochs.min(self.setting.epochs),
            None => self.setting.epochs,
        }
    }

    /// The options of `train`, except for those on how the run is carried out (device, threads).
    pub fn train(&self, place: &Place) -> Vec<String> {
        let Model { task, method, .. } = self.model;
        let sets = task.training(self.model.imbalance);
        let mut line = Line(vec!["--data".into(), place.set(sets.data)]);
        if let Some(recipe) = task.about().recipe {
            line.add("--recipe", recipe);
        }
        if let Some(names) = task.about().class_names {
            line.add("--class-names", names);
        }
        if !sets.hold_out.is_empty() {
            line.add("--hold-out", sets.hold_out);
        }
        if let Some(imbalance) = sets.imbalance {
            line.add("--imbalance", imbalance);
        }
        let auxiliary = task.auxiliary(self.model.auxiliary);
        if self.model.auxiliary == Auxiliary::Crops {
            line.add("--aux", "crops");
        } else if !auxiliary.is_empty() {
            line.add("--aux", list(place, &auxiliary));
        }
        line.add("--method", method);
        for (option, value) in &self.model.options {
            line.add(&format!("--{option}"), value);
        }
        line.add("--width", self.setting.width);
        line.add("--epochs", self.epochs());
        if self.setting.precision != Precision::Fp32 {
            line.add("--precision", self.setting.precision);
        }
        // Written although they are the defaults: runs are told apart by all that decides the outcome.
        if self.model.after.is_some() && method.is_tuned_with_sgd() {
            line.add("--optimiser", "sgd");
            line.add("--lr", 0.001);
        }
        line.add("--seed", self.seed);
        let monitored = task.monitored();
        if self.model == rna(task) && !monitored.is_empty() {
            line.add("--monitor", named(place, monitored));
        }
        if let Some(first) = self.before() {
            line.add("--init", place.run(&first.name()).display());
        }
        line.add("--out", place.run(&self.name()).display());
        line.0
    }

    /// The options of `calibrate`.
    pub fn calibrate(&self, place: &Place) -> Vec<String> {
        let mut line = Line(vec![self.file(place, super::carry_out::EXPORTED)]);
        let sets = self.model.task.training(self.model.imbalance);
        line.add("--data", list(place, &sets.calibration));
        line.balance(&sets);
        line.add("--score", self.model.score.name());
        line.add("--out", self.file(place, super::carry_out::MODEL));
        line.0
    }

    /// The options of `evaluate`.
    pub fn evaluate(&self, place: &Place) -> Vec<String> {
        let task = self.model.task;
        let mut line = Line(vec![self.file(place, super::carry_out::MODEL)]);
        line.add("--id", place.set(task.about().test));
        line.add("--ood", named(place, task.ood()));
        if let Some(set) = task.about().other_source {
            line.add("--shifted-id", place.set(set));
        }
        let sets = task.training(self.model.imbalance);
        line.add("--calibration", list(place, &sets.calibration));
        line.balance(&sets);
        if !sets.fit.is_empty() {
            line.add("--fit-data", list(place, &sets.fit));
        }
        line.add("--run", place.run(&self.name()).display());
        line.add("--out", self.file(place, super::carry_out::REPORT));
        line.0
    }

    /// The folders of image sets that it needs.
    pub fn sets(&self) -> Vec<String> {
        let task = self.model.task;
        let training = task.training(self.model.imbalance);
        let mut sets = vec![training.data.to_owned()];
        sets.extend(task.auxiliary(self.model.auxiliary));
        sets.extend(training.calibration);
        sets.push(task.about().test.into());
        sets.extend(task.ood().into_iter().map(|(_, set)| set));
        sets.extend(task.about().other_source.map(String::from));
        let mut folders: Vec<_> = sets.iter().map(|set| folder_of(set).to_owned()).collect();
        folders.sort();
        folders.dedup();
        folders
    }

    fn file(&self, place: &Place, name: &str) -> String {
        let file = place.run(&self.name()).join(name);
        file.to_string_lossy().into_owned()
    }
}

/// A command line that grows.
struct Line(Vec<String>);

impl Line {
    fn add(&mut self, option: &str, value: impl ToString) {
        self.0.extend([option.to_owned(), value.to_string()]);
    }

    fn balance(&mut self, sets: &TrainingSets) {
        if sets.balance {
            self.0.push("--balance".into());
        }
    }
}

fn list(place: &Place, sets: &[String]) -> String {
    let paths: Vec<_> = sets.iter().map(|set| place.set(set)).collect();
    paths.join(",")
}

fn named(place: &Place, sets: Vec<(&str, String)>) -> String {
    let named = |(name, set): (&str, String)| format!("{name}={}", place.set(&set));
    sets.into_iter().map(named).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reproduce::models::{ce, energy_oe, oe};
    use crate::reproduce::tasks::Task;

    fn run(model: Model) -> Run {
        let setting = Setting {
            width: 16,
            epochs: 30,
            precision: Precision::Fp32,
        };
        Run {
            model,
            setting,
            seed: 2,
        }
    }

    #[test]
    fn a_run_says_all_that_decides_its_outcome() {
        let wide = run(rna(Task::Cifar10Lt).with("aux-batch-size", 256));
        assert_eq!(
            wide.train(&Place::canonical()).join(" "),
            "--data data/cifar10_train_lt100 --class-names cifar10 --hold-out airplane=300 \
             --aux data/aux_train,data/aux_train_cifar100 --method rna --aux-batch-size 256 \
             --width 16 --epochs 30 --seed 2 \
             --out runs/cifar10-lt-rna-aux-batch-size-256-w16-e30-s2"
        );
    }

    #[test]
    fn the_usual_model_alone_is_monitored_and_no_other_command_changes_by_it() {
        let line = |model: Model| run(model).train(&Place::canonical()).join(" ");
        let task = Task::Cifar10Lt;
        let data = "--data data/cifar10_train_lt100 --class-names cifar10 --hold-out airplane=300";
        assert_eq!(
            line(ce(task)),
            format!(
                "{data} --method ce --width 16 --epochs 30 --seed 2 \
                 --out runs/cifar10-lt-ce-w16-e30-s2"
            )
        );
        assert_eq!(
            line(oe(task)),
            format!(
                "{data} --aux data/aux_train,data/aux_train_cifar100 --method oe --width 16 \
                 --epochs 30 --seed 2 --out runs/cifar10-lt-oe-w16-e30-s2"
            )
        );
        let usual = line(rna(task));
        assert!(
            usual.contains(
                " --monitor train_head=data/cifar10_train_lt100#class=airplane+automobile+bird#first=200,\
                 train_tail=data/cifar10_train_lt100#class=horse+ship+truck#first=200,\
                 test_head=data/cifar10_test#class=airplane+automobile+bird#first=200,\
                 test_tail=data/cifar10_test#class=horse+ship+truck#first=200,\
                 ood_textures=data/ood_textures#first=500,\
                 ood_cifar100_unseen=data/ood_cifar100_test#coarse!=fish+flowers+"
            ),
            "{usual}"
        );
        for other in [
            rna(task).with("lambda", 1),
            rna(task).imbalance(1000),
            rna(task).auxiliary(Auxiliary::TinyImageNet),
            rna(Task::Cifar100Lt),
        ] {
            assert!(!line(other.clone()).contains("--monitor"), "{other:?}");
        }
    }

    #[test]
    fn imagenet_is_trained_by_its_own_recipe_on_its_published_lists() {
        let run = run(rna(Task::ImagenetLt));
        let line = |words: Vec<String>| words.join(" ");
        assert_eq!(
            line(run.train(&Place::canonical())),
            "--data data/imagenet_lt/ImageNet_LT_train.txt --recipe imagenet-lt \
             --aux data/imagenet_extra --method rna --width 16 --epochs 30 --seed 2 \
             --out runs/imagenet-lt-rna-w16-e30-s2"
        );
        let evaluate = line(run.evaluate(&Place::canonical()));
        for part in [
            "--id data/imagenet_lt/ImageNet_LT_test.txt --ood imagenet_ood=data/imagenet_ood#first=50 ",
            "--calibration data/imagenet_lt/ImageNet_LT_val.txt --run",
        ] {
            assert!(evaluate.contains(part), "{evaluate}");
        }
        let tuned = self::run(energy_oe(Task::ImagenetLt));
        let line = line(tuned.train(&Place::canonical()));
        assert!(line.contains("--epochs 3 "), "{line}");
    }

    #[test]
    fn classes_without_calibration_images_are_not_to_be_balanced() {
        let lines = Task::ALL.map(|task| run(rna(task)).calibrate(&Place::canonical()).join(" "));
        assert!(lines[0].contains(" --balance ") && !lines[1].contains("--balance"));
    }

    #[test]
    fn fine_tuning_begins_with_the_run_of_the_same_seed() {
        let tuned = run(energy_oe(Task::Cifar10Lt));
        let line = tuned.train(&Place::canonical()).join(" ");
        assert!(
            line.contains("--init runs/cifar10-lt-ce-w16-e30-s2"),
            "{line}"
        );
        assert!(line.contains("--epochs 10 "), "{line}");
        assert_eq!(tuned.before().unwrap().name(), "cifar10-lt-ce-w16-e30-s2");
    }

    #[test]
    fn the_sets_that_a_run_needs_are_named_without_filters_and_once() {
        let sets = run(rna(Task::Cifar10Lt)).sets();
        assert!(
            sets.contains(&"aux_train_cifar100".into()) && sets.contains(&"id_other_source".into())
        );
        assert!(sets.iter().all(|set| !set.contains('#')));
        assert_eq!(
            sets.iter()
                .filter(|set| *set == "cifar10_train_lt100")
                .count(),
            1
        );
    }
}
