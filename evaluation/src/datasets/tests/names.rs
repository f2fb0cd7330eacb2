//! Class names that look the same but are written differently: "ö" as one character (NFC), or as "o" and two dots
//! (NFD).

use super::*;

const ONE_SIGN: &str = "Fr\u{f6}schlein";
const TWO_SIGNS: &str = "Fro\u{308}schlein";

#[test]
fn a_folder_as_macos_names_it_has_the_class_that_others_name() {
    for (written, asked) in [(TWO_SIGNS, ONE_SIGN), (ONE_SIGN, TWO_SIGNS)] {
        let folder = folder();
        write(&folder.path().join(written).join("1.png"), &png(1));
        write(&folder.path().join("Frucht/2.png"), &png(2));
        let mut set = load_test(folder.path()).unwrap();
        let names = set.class_names.clone().unwrap();
        // In the order of these names, not of those in the file system.
        assert_eq!(names, ["Frucht", ONE_SIGN], "{written:?}");
        assert_eq!(set.class_index(asked).unwrap(), 1);
        let model = [asked.to_string(), "Frucht".into()];
        set.align_only(&model).unwrap();
        assert_eq!(set.labels, [Some(1), Some(0)]);
    }
}

#[test]
fn two_folders_whose_names_look_the_same_are_refused() {
    let folder = folder();
    write(&folder.path().join(ONE_SIGN).join("1.png"), &png(1));
    write(&folder.path().join(TWO_SIGNS).join("2.png"), &png(2));
    let error = message(load_test(folder.path()), folder.path());
    assert!(
        error.starts_with(&format!("FOLDER: it has two class folders \"{ONE_SIGN}\""))
            && error.ends_with("put the images of both into one"),
        "{error}"
    );
}

#[test]
fn names_in_lists_and_on_the_command_line_are_written_as_those_of_folders() {
    let folder = folder();
    write(&folder.path().join(TWO_SIGNS).join("1.png"), &png(1));
    let list = folder.path().join("list.txt");
    write(&list, format!("{TWO_SIGNS}/1.png 0").as_bytes());
    assert_eq!(load_test(&list).unwrap().class_names.unwrap(), [ONE_SIGN]);

    let given = labels::class_names(&format!("{TWO_SIGNS}, Frucht")).unwrap();
    assert_eq!(given, [ONE_SIGN, "Frucht"]);
    for (file, text) in [
        ("names.txt", format!("{TWO_SIGNS}\nFrucht\n")),
        ("names.json", format!("[\"{TWO_SIGNS}\", \"Frucht\"]")),
    ] {
        let file = folder.path().join(file);
        write(&file, text.as_bytes());
        let given = labels::class_names(file.to_str().unwrap()).unwrap();
        assert_eq!(given, [ONE_SIGN, "Frucht"]);
    }
}

#[test]
fn an_empty_class_folder_can_be_left_out_however_its_name_is_written() {
    let folder = folder();
    fs::create_dir(folder.path().join(TWO_SIGNS)).unwrap();
    write(&folder.path().join("cat/1.png"), &png(1));
    let spec = format!("{}#class!={ONE_SIGN}", folder.path().display());
    let set = spec.parse::<SetSpec>().unwrap().load(&LoadOptions::test());
    assert_eq!(set.unwrap().class_names.unwrap(), ["cat"]);
}
