//! The command: quantise, calibrate the int8 model, and say what changed.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use normgate_core::calibration::CalibrationError;
use normgate_core::model::Model;
use normgate_core::scores::{Fitted, Score};
use rand::SeedableRng;
use rand_pcg::Pcg64;

use super::compare::{Changes, compare};
use super::report::QuantizeReport;
use super::{KeepFp32, Options, RangeMethod, quantize, speed, threshold};
use crate::calibrate::{self, balance};
use crate::datasets::{ImageSet, SYNTAX, SetSpec};
use crate::error::EvaluationError;
use crate::evaluate::{doubts, told_apart_in_one_table};
use crate::fit;
use crate::out::{has_folder, is_same_file};
use crate::overlap::{Apart, Fingerprints};
use crate::recorded;
use crate::seen;
use crate::workbench::{Workbench, WorkbenchArgs, print};

const EXAMPLES: &str = "\
Examples:
  normgate quantize parts.onnx --data photos/held-out --out parts-int8.onnx
  normgate quantize parts.onnx --data photos/held-out --test photos/test --ood photos/strange \\
    --out parts-int8.onnx
";

/// Make an int8 model from an fp32 one: a quarter of the size, 2 to 4 times as fast on a CPU with VNNI
///
/// The layers then compute with 8-bit integers. The ranges of these come from a few hundred of your
/// images. The threshold is calibrated anew on the int8 model, as the fp32 model's was. With --test
/// and --ood, it says what int8 costs; without them, find that out before you serve the model.
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n{SYNTAX}"))]
pub struct QuantizeArgs {
    /// The fp32 model file
    pub model: PathBuf,
    /// Images of the model's classes: the ranges come from some of them, the threshold from the
    /// others, which must not be ones that it was trained on; several sets count as one
    #[arg(long, value_name = "SET", value_delimiter = ',', required = true)]
    pub data: Vec<SetSpec>,
    /// Write the int8 model here
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// How many images of --data, drawn at random, the ranges come from [default: 512; without
    /// --calibrate at most half, since the threshold needs the others]
    #[arg(long, value_name = "N")]
    pub images: Option<NonZeroUsize>,
    /// Seed for drawing them
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// How the range of a value is chosen from the values seen
    #[arg(long, value_enum, default_value_t)]
    pub range: RangeMethod,
    /// For --range percentile: the share of values, in %, that lies within each end of the range
    #[arg(long, value_name = "PERCENT", default_value_t = Options::default().percentile)]
    pub percentile: f64,
    /// Layers that stay fp32
    #[arg(
        long,
        value_enum,
        value_name = "LAYERS",
        value_delimiter = ',',
        default_value = "last"
    )]
    pub keep_fp32: Vec<KeepFp32>,
    /// Use 7-bit weights, whose sums cannot overflow on x86 processors without VNNI (`lscpu | grep vnni`
    /// shows nothing). For use in other programs: Normgate asks for precise kernels on such processors
    #[arg(long)]
    pub reduce_range: bool,
    /// Images for the threshold, never trained on; --data may then be training images
    /// [default: those of --data that the ranges do not come from]
    #[arg(long, value_name = "SET", value_delimiter = ',')]
    pub calibrate: Vec<SetSpec>,
    /// The labelled images that the model was trained on, if its score is a fitted one: it is fitted
    /// anew, to the int8 model
    #[arg(long, value_name = "SET", value_delimiter = ',')]
    pub fit_data: Vec<SetSpec>,
    /// Calibrate on equally many images of every class, as `calibrate --balance` does
    #[arg(long)]
    pub balance: bool,
    /// OOD images for the threshold, if the fp32 model's is OOD-positive
    #[arg(long, value_name = "SET", value_delimiter = ',')]
    pub calibrate_ood: Vec<SetSpec>,
    /// Test images of the model's classes, to see what int8 costs in accuracy
    #[arg(long, value_name = "SET", value_delimiter = ',')]
    pub test: Vec<SetSpec>,
    /// OOD test images, to see what it costs in AUROC: a set, or several, each reported by itself
    #[arg(long, value_name = "SET", value_delimiter = ',', requires = "test")]
    pub ood: Vec<SetSpec>,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub workbench: WorkbenchArgs,
}

/// How many images the ranges come from by default.
const IMAGES: usize = 512;

/// Quantises, prints what changed, and writes the model file.
///
/// # Errors
/// [`EvaluationError`]; no file is then written.
pub fn run(args: &QuantizeArgs) -> Result<(), EvaluationError> {
    print(&write(args)?.to_string())
}

/// Quantises, and writes the model file.
///
/// # Errors
/// As [`run`].
pub(super) fn write(args: &QuantizeArgs) -> Result<QuantizeReport, EvaluationError> {
    told_apart_in_one_table(("--test", &args.test), &[("--ood", &args.ood)])?;
    let model = Model::open(&args.model)?;
    if is_same_file(&args.model, &args.out) {
        return Err(EvaluationError::OverwritesModel {
            path: args.out.clone(),
        });
    }
    has_folder(&args.out)?;
    let options = threshold::options(args, model.manifest().calibration.as_ref())?;
    check_fit_data(args, &model)?;
    let bench = Workbench::new(&args.workbench)?;
    // All files are read first, so that a mistaken path costs no time.
    let data = bench.load_id(&args.data, &model)?;
    let (for_ranges, others) = split(&data, args);
    let mut calibration = match args.calibrate.is_empty() {
        true => others,
        false => bench.load_id(&args.calibrate, &model)?,
    };
    if calibration.is_empty() {
        return Err(EvaluationError::NothingForThreshold {
            images: data.len(),
            for_ranges: for_ranges.len(),
        });
    }
    let classes = model.manifest().labels.len();
    let counts = match args.calibrate.is_empty() {
        true => data.class_counts(classes),
        false => calibration.class_counts(classes),
    };
    let trained_on = seen::in_training(model.manifest(), threshold::sets(args), &counts);
    if args.balance {
        calibration = balance(&calibration, &model.manifest().labels)?.0;
    }
    let some = |specs: &[SetSpec], load: &dyn Fn() -> Result<ImageSet, EvaluationError>| {
        (!specs.is_empty()).then(load).transpose()
    };
    let calibration_ood = some(&args.calibrate_ood, &|| {
        bench.load_ood(&args.calibrate_ood, &model)
    })?;
    let test = some(&args.test, &|| bench.load_id(&args.test, &model))?;
    let learnt = doubts::Learnt::new(
        &model,
        model.manifest().calibration.as_ref(),
        &args.fit_data,
    );
    let of_test = test
        .iter()
        .flat_map(|it| learnt.doubts("--test", &args.test, it));
    let of_ood = args
        .ood
        .chunks(1)
        .filter_map(|it| doubts::of_foreign(it, &model));
    let doubts = of_test.chain(of_ood).collect();
    let ood = args.ood.chunks(1).map(|spec| bench.load_ood(spec, &model));
    let ood: Vec<ImageSet> = ood.collect::<Result<_, _>>()?;

    let fit_images = some(&args.fit_data, &|| {
        bench.load_training(&args.fit_data, &model)
    })?;
    let sets = Sets {
        data: &data,
        for_ranges: &for_ranges,
        calibration: &calibration,
        calibration_ood: calibration_ood.as_ref(),
        fitted_to: fit_images.as_ref(),
        test: test.as_ref(),
        ood: &ood,
    };
    sets.check_apart(args)?;

    let int8 = quantized(args, &bench, &model, &for_ranges)?;
    let fitted = fitted(args, &bench, &int8, fit_images.as_ref())?;
    drop(fit_images);
    let score = match &fitted {
        Some(fitted) => Arc::clone(fitted) as Arc<dyn Score>,
        None => Arc::clone(model.score()),
    };
    let both = |set: &ImageSet| -> Result<_, EvaluationError> {
        Ok((bench.answers(&model, set)?, bench.answers(&int8, set)?))
    };
    let calibrated = both(&calibration)?;
    let against = calibration_ood.as_ref().map(both).transpose()?;
    let (before, after) = match &against {
        Some((before, after)) => (Some(before), Some(after)),
        None => (None, None),
    };
    let report = calibrate::report(&options, &*score, &int8, &calibrated.1, after);
    let mut new =
        report
            .map_err(|error| match error {
                EvaluationError::Calibration(CalibrationError::TooFew {
                    found, needed, ..
                }) if args.calibrate.is_empty() => EvaluationError::TooFewForThreshold {
                    images: data.len(),
                    for_ranges: for_ranges.len(),
                    found,
                    needed,
                },
                error => error,
            })?
            .calibration;
    if args.calibrate.is_empty() {
        let without = format!(
            "without the {} that the int8 ranges are from",
            for_ranges.len()
        );
        new.data = new.data.map(|data| recorded::remarked(&data, &without));
    }
    let old = match &model.manifest().calibration {
        Some(calibration) => calibration.clone(),
        None => {
            let score = &**model.score();
            calibrate::report(&options, score, &model, &calibrated.0, before)?.calibration
        }
    };
    let mut manifest = (**int8.manifest()).clone();
    manifest.calibration = Some(new.clone());
    if let Some(record) = &mut manifest.quantization {
        record.data = Some(format!(
            "{}, seed {}",
            recorded::sets(&args.data),
            args.seed
        ));
    }
    let int8 = int8.with_score(manifest, fitted.as_deref())?;

    let changes = Changes {
        scores: [&**model.score(), &*score],
        old: &old,
        new: &new,
        spread_of: &calibrated.0,
    };
    let test = test.as_ref().map(both).transpose()?;
    let mut rows = vec![compare(
        &changes,
        test.as_ref().unwrap_or(&calibrated),
        None,
    )?];
    for set in &ood {
        rows.push(compare(&changes, &both(set)?, test.as_ref())?);
    }
    let report = QuantizeReport {
        trained_on,
        doubts,
        written: args.out.clone(),
        sizes: [model.bytes().len(), int8.bytes().len()],
        old_calibration: old,
        calibration: new.clone(),
        range_images: for_ranges.len(),
        tested: test.is_some(),
        rows,
        speed: speed::measure(bench.runtime(), &model, &int8)?,
    };
    int8.save(&args.out)?;
    Ok(report)
}

/// All images that the command reads.
struct Sets<'a> {
    data: &'a ImageSet,
    for_ranges: &'a ImageSet,
    calibration: &'a ImageSet,
    calibration_ood: Option<&'a ImageSet>,
    fitted_to: Option<&'a ImageSet>,
    test: Option<&'a ImageSet>,
    ood: &'a [ImageSet],
}

impl Sets<'_> {
    /// Checks that no image is used twice; but with --calibrate, the ranges may come from the images that the score is
    /// fitted to.
    fn check_apart(&self, args: &QuantizeArgs) -> Result<(), EvaluationError> {
        let fitted_to = self
            .fitted_to
            .map(|images| Fingerprints::of("--fit-data", images));
        let ranges =
            (!args.calibrate.is_empty()).then(|| Fingerprints::of("--data", self.for_ranges));
        let mut known = Apart::from(Vec::from_iter(fitted_to.into_iter().chain(ranges)));
        // Without --calibrate, this has the ranges' images too: a copy could be among both.
        let for_threshold = match args.calibrate.is_empty() {
            true => self.data,
            false => self.calibration,
        };
        let for_threshold = Fingerprints::of(threshold::named_by(args), for_threshold);
        for_threshold.repeated()?;
        known.admit(for_threshold)?;
        if let Some(images) = self.calibration_ood {
            known.admit(Fingerprints::of("--calibrate-ood", images))?;
        }
        if let Some(images) = self.test {
            let tested = Fingerprints::of("--test", images);
            tested.repeated()?;
            known.admit(tested)?;
        }
        let mut ood = self.ood.iter();
        ood.try_for_each(|images| known.check(&Fingerprints::of("--ood", images)))
    }
}

/// The images that the ranges come from, and the others.
fn split(data: &ImageSet, args: &QuantizeArgs) -> (ImageSet, ImageSet) {
    // If the threshold has no images of its own, half of these are for it, unless told otherwise.
    let default = match args.calibrate.is_empty() {
        true => IMAGES.min(data.len().div_ceil(2)),
        false => IMAGES,
    };
    let count = args
        .images
        .map_or(default, NonZeroUsize::get)
        .min(data.len());
    let mut generator = Pcg64::seed_from_u64(args.seed);
    let chosen = rand::seq::index::sample(&mut generator, data.len(), count);
    let mut is_chosen = vec![false; data.len()];
    chosen.iter().for_each(|index| is_chosen[index] = true);
    let part = |wanted: bool| data.filter(|index, _| is_chosen[index] == wanted);
    (part(true), part(false))
}

fn quantized(
    args: &QuantizeArgs,
    bench: &Workbench,
    model: &Model,
    images: &ImageSet,
) -> Result<Model, EvaluationError> {
    let options = Options {
        range: args.range,
        percentile: args.percentile,
        keep_fp32: args.keep_fp32.clone(),
        reduce_range: args.reduce_range,
        threads: bench.threads(),
        progress: bench.progress("ranges", images.len()),
    };
    let int8 = quantize(bench.runtime(), model, images, &options);
    options.progress.finish_and_clear();
    Ok(int8?)
}

/// Checks that there are images to fit the score to if it is a fitted one, and none if it is not.
fn check_fit_data(args: &QuantizeArgs, model: &Model) -> Result<(), EvaluationError> {
    match (model.fitted(), args.fit_data.is_empty()) {
        (None, true) => Ok(()),
        (None, false) => Err(EvaluationError::Options(
            "--fit-data is for models whose score is fitted, and this one's is not: leave it out",
        )),
        // What an fp32 model's score has learnt is about representations that the int8 model does not have.
        (Some(fitted), true) => Err(EvaluationError::NothingToFitTo {
            score: fitted.kind(),
        }),
        (Some(_), false) => Ok(()),
    }
}

fn fitted(
    args: &QuantizeArgs,
    bench: &Workbench,
    int8: &Model,
    images: Option<&ImageSet>,
) -> Result<Option<Arc<Fitted>>, EvaluationError> {
    let Some(images) = images else {
        return Ok(None);
    };
    let score = int8.score().kind();
    fit::fit(bench, int8, &args.fit_data, images, score).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: QuantizeArgs,
    }

    #[test]
    fn at_most_512_images_and_at_most_half_set_the_ranges_unless_told_otherwise() {
        let others = ["--calibrate", "others"];
        for (images, more, expected) in [
            (2000, &[][..], (512, 1488)),
            (60, &[], (30, 30)),
            (2000, &others, (512, 1488)),
            (60, &others, (60, 0)),
            (60, &["--images", "50"], (50, 10)),
        ] {
            let line = ["quantize", "no.onnx", "--data", "nowhere", "--out", "no"];
            let line = line.iter().chain(more);
            let cli = <Cli as clap::Parser>::try_parse_from(line).unwrap();
            let data = ImageSet {
                labels: vec![None; images],
                ..Default::default()
            };
            let (for_ranges, rest) = split(&data, &cli.args);
            assert_eq!((for_ranges.len(), rest.len()), expected, "{more:?}");
        }
    }
}
