use normgate_core::manifest::Resize;
use serde_json::Value;

use super::super::options::Size;
use super::*;

/// A normalisation by the name that `--normalise` has for it.
fn named(name: &str) -> Normalisation {
    name.parse().unwrap()
}

fn cut(shorter_side: u32) -> Resize {
    Resize::CentreCrop { shorter_side }
}

/// The files are those published with the weights of the models named.
#[test]
fn files_that_are_published_with_models_say_what_those_were_trained_with() {
    let with = |size, resize, filter, normalise| Described {
        size: Size(size, size),
        resize,
        filter,
        normalise,
    };
    let cases = [
        (
            // microsoft/resnet-50
            r#"{"crop_pct": 0.875, "do_normalize": true, "do_resize": true, "feature_extractor_type":
                "ConvNextFeatureExtractor", "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
                "resample": 3, "size": 224}"#,
            with(224, cut(256), Some(Filter::CatmullRom), named("imagenet")),
        ),
        (
            // google/vit-base-patch16-224
            r#"{"do_normalize": true, "do_rescale": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5],
                "image_processor_type": "ViTImageProcessor", "image_std": [0.5, 0.5, 0.5], "resample": 2,
                "rescale_factor": 0.00392156862745098, "size": {"height": 224, "width": 224}}"#,
            with(224, Resize::Stretch, Some(Filter::Bilinear), named("half")),
        ),
        (
            // google/mobilenet_v2_1.0_224
            r#"{"crop_size": {"height": 224, "width": 224}, "do_center_crop": true, "do_normalize": true,
                "do_rescale": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5], "image_processor_type":
                "MobileNetV2ImageProcessor", "image_std": [0.5, 0.5, 0.5],
                "resample": 2, "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": 256}}"#,
            with(224, cut(256), Some(Filter::Bilinear), named("half")),
        ),
        (
            // What ConvNextImageProcessor, LevitImageProcessor and CLIPImageProcessor of transformers 5.24 save
            r#"{"crop_pct": 0.875, "do_normalize": true, "do_rescale": true, "do_resize": true, "image_mean":
                [0.5, 0.5, 0.5], "image_processor_type": "ConvNextImageProcessor", "image_std": [0.5, 0.5, 0.5],
                "resample": 3, "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": 384}}"#,
            with(
                384,
                Resize::Stretch,
                Some(Filter::CatmullRom),
                named("half"),
            ),
        ),
        (
            r#"{"crop_size": {"height": 224, "width": 224}, "do_center_crop": true, "do_normalize": true,
                "do_rescale": true, "do_resize": true, "image_mean": [0.485, 0.456, 0.406], "image_processor_type":
                "LevitImageProcessorFast", "image_std": [0.229, 0.224, 0.225], "resample": 3, "rescale_factor":
                0.00392156862745098, "size": {"shortest_edge": 224}}"#,
            with(224, cut(256), Some(Filter::CatmullRom), named("imagenet")),
        ),
        (
            r#"{"crop_size": {"height": 224, "width": 224}, "do_center_crop": true, "do_convert_rgb": true,
                "do_normalize": true, "do_rescale": true, "do_resize": true, "image_mean": 0.5,
                "image_processor_type": "CLIPImageProcessor", "image_std": 0.5, "resample": 1, "rescale_factor":
                0.00392156862745098, "size": {"shortest_edge": 224}}"#,
            with(224, cut(224), Some(Filter::Lanczos3), named("half")),
        ),
        (
            // timm/resnet50.a1_in1k
            r#"{"architecture": "resnet50", "num_classes": 1000, "pretrained_cfg": {"tag": "a1_in1k",
                "input_size": [3, 224, 224], "test_input_size": [3, 288, 288], "fixed_input_size": false,
                "interpolation": "bicubic", "crop_pct": 0.95, "test_crop_pct": 1.0, "crop_mode": "center",
                "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}"#,
            with(224, cut(235), Some(Filter::CatmullRom), named("imagenet")),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(of(text).unwrap(), expected, "{text}");
    }
}

/// A ViT's file, with some settings left out and some added.
fn vit(without: &[&str], with: &str) -> Result<Described, String> {
    let usual = r#"{"image_processor_type": "ViTImageProcessor", "size": 8, "resample": 2, "do_resize": true,
        "do_rescale": true, "do_normalize": true, "image_mean": 0.5, "image_std": 0.5}"#;
    let mut document: Value = serde_json::from_str(usual).unwrap();
    let fields = document.as_object_mut().unwrap();
    without.iter().for_each(|field| drop(fields.remove(*field)));
    let more: serde_json::Map<_, _> = serde_json::from_str(with).unwrap();
    fields.extend(more);
    of(&document.to_string())
}

#[test]
fn bytes_that_are_not_scaled_to_one_are_normalised_all_the_same() {
    for rescale in [
        r#"{"do_rescale": false, "image_mean": [63.75, 127.5, 255], "image_std": 51}"#,
        r#"{"rescale_factor": 2, "image_mean": [127.5, 255, 510], "image_std": 102}"#,
    ] {
        let normalise = Normalisation {
            mean: [0.25, 0.5, 1.0],
            std: [0.2; 3],
        };
        assert_eq!(vit(&[], rescale).unwrap().normalise, normalise);
    }
    let none = vit(&["image_mean"], r#"{"do_normalize": false}"#).unwrap();
    assert_eq!(none.normalise, named("none"));
}

#[test]
fn what_is_not_said_or_cannot_be_done_as_it_is_said_is_refused() {
    assert!(vit(&[], "{}").is_ok());
    for (without, with, said) in [
        (&["image_processor_type"][..], "{}", "image_processor_type"),
        (&["image_mean"], "{}", "image_mean"),
        (&["do_normalize"], "{}", "do_normalize"),
        (&["do_rescale"], "{}", "do_rescale"),
        (&["do_resize"], "{}", "do_resize"),
        (&["size"], "{}", "nothing about preprocessing"),
        (&[], r#"{"size": "large"}"#, "size: expected a number"),
        (
            &[],
            r#"{"image_std": [1, 2]}"#,
            "image_std: expected a number",
        ),
        (&[], r#"{"resample": "bicubic"}"#, "resample: invalid type"),
        (&[], r#"{"image_std": [0.5, 0, 0.5]}"#, "above 0"),
        (&[], r#"{"rescale_factor": 0}"#, "above 0"),
        (
            &[],
            r#"{"image_processor_type": "ConvNextImageProcessor", "crop_pct": 0}"#,
            "crop_pct is 0",
        ),
        (&[], r#"{"resample": 5}"#, "resample 5"),
        (
            &[],
            r#"{"size": {"shortest_edge": 8}}"#,
            "cuts out the centre",
        ),
        // As DeiT has it: both sides to 9, then a square of 8 cut out.
        (
            &[],
            r#"{"size": 9, "do_center_crop": true, "crop_size": 8}"#,
            "cuts out the centre",
        ),
        // Blue first, and a second normalisation.
        (
            &[],
            r#"{"image_processor_type": "MobileViTImageProcessor"}"#,
            "MobileViT",
        ),
        (
            &[],
            r#"{"image_processor_type": "EfficientNetImageProcessor"}"#,
            "EfficientNet",
        ),
    ] {
        let error = vit(without, with).unwrap_err();
        assert!(error.contains(said), "{without:?} {with}: {error}");
    }
    for (text, said) in [
        (
            r#"{"id2label": {"0": "cat"}}"#,
            "nothing about preprocessing",
        ),
        (r#"{"size": "#, "not JSON"),
        (
            r#"{"input_size": [3, 8, 8], "interpolation": "bicubic", "crop_pct": 0.9, "crop_mode": "border",
                "mean": 0, "std": 1}"#,
            "crop_mode border",
        ),
    ] {
        let error = of(text).unwrap_err();
        assert!(error.contains(said), "{text}: {error}");
    }
}
