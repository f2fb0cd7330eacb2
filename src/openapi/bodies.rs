//! Bodies that are not read into any type of ours.

#![expect(dead_code, reason = "only their schemas are used")]

use utoipa::ToSchema;

/// An image file as it is: JPEG, PNG, WebP, GIF (first frame) or BMP, recognised by its bytes.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct ImageFile(Vec<u8>);

/// A form with files.
#[derive(ToSchema)]
pub struct Form {
    /// One file or several. The field's name does not matter.
    #[schema(min_items = 1)]
    file: Vec<ImageFile>,
}
