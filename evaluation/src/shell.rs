//! Command lines as a shell takes them, to be shown, and typed or pasted again.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::Path;

/// The command line of `words`: the program, without its folder, and its arguments.
pub fn command_line(words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
    let mut line = String::new();
    for (index, word) in words.into_iter().enumerate() {
        let word = word.as_ref();
        let word = match index {
            0 => Path::new(word).file_name().unwrap_or(word),
            _ => word,
        };
        if index > 0 {
            line.push(' ');
        }
        line += &quoted(&word.to_string_lossy());
    }
    line
}

/// A word as it is, or in quotation marks if a shell would read something else.
pub fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:+@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")).into(),
    }
}

/// A path, quoted as by [`quoted`].
pub fn quoted_path(path: &Path) -> String {
    quoted(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_only_where_a_shell_needs_it() {
        for (word, expected) in [
            ("--scores", "--scores"),
            ("a_b=c/d.e,f:+1@2%", "a_b=c/d.e,f:+1@2%"),
            ("", "''"),
            ("my photos/a", "'my photos/a'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("a;b", "'a;b'"),
            ("set#class!=cat", "'set#class!=cat'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }

    #[test]
    fn a_command_line_has_the_program_without_its_folder() {
        assert_eq!(
            command_line(["/usr/bin/normgate", "evaluate", "/a b/m.onnx", ""]),
            "normgate evaluate '/a b/m.onnx' ''"
        );
        assert_eq!(command_line([""; 0]), "");
    }
}
