//! What the shipped model answers for the two images in `docs/images` (a test sends them).

use serde_json::{Value, json};

/// For `docs/images/cat.jpg`, asked for three labels.
pub fn one() -> Value {
    json!({
        "label": "cat", "class_index": 3, "confidence": 0.82643324,
        "is_ood": false,
        "ood": {
            "score": -18.660713, "threshold": -14.103707, "p_value": 0.12395868043985338,
            "method": "representation_norm",
        },
        "top": [
            {"label": "cat", "class_index": 3, "probability": 0.82643324},
            {"label": "dog", "class_index": 5, "probability": 0.11626501},
            {"label": "frog", "class_index": 6, "probability": 0.04813696},
        ],
        "model": {"name": "cifar10-lt", "version": "1.0.0"},
    })
}

/// For a form with `docs/images/coffee.jpg` and the text beside it, asked for one label.
pub fn several() -> Value {
    json!({"results": [
        {
            "file": "coffee.jpg",
            "label": "automobile", "class_index": 1, "confidence": 0.18343936,
            "is_ood": true,
            "ood": {
                "score": -4.828479, "threshold": -14.103707, "p_value": 0.0006664445184938354,
                "method": "representation_norm",
            },
            "top": [{"label": "automobile", "class_index": 1, "probability": 0.18343936}],
            "model": {"name": "cifar10-lt", "version": "1.0.0"},
        },
        {
            "file": "README.md",
            "type": "/problems/unsupported-media-type", "title": "Unsupported media type", "status": 415,
            "detail": "not a JPEG, PNG, WebP, GIF or BMP image: send one of these formats",
        },
    ]})
}
