//! The official binary layouts.

use super::*;

/// An official CIFAR-10 folder of two records a batch, numbered from 0.
fn cifar10(folder: &Path) {
    for batch in 0..5u8 {
        let file = folder.join(format!("data_batch_{}.bin", batch + 1));
        write(&file, &records(&[&[batch], &[9 - batch]], 2 * batch));
    }
    write(&folder.join("test_batch.bin"), &records(&[&[5], &[6]], 10));
}

#[test]
fn official_cifar10_is_read_by_split_also_from_the_unpacked_archive() {
    let folder = folder();
    cifar10(&folder.path().join("cifar-10-batches-bin"));
    for path in [folder.path(), &folder.path().join("cifar-10-batches-bin")] {
        let train = load(path, &LoadOptions::train()).unwrap();
        assert_eq!(numbers(&train), (0..10).collect::<Vec<u8>>());
        assert_eq!(train.labels[2..4], [Some(1), Some(8)]);
        assert_eq!(train.image(3), pixels(3));
        assert_eq!(train.class_names.as_ref().unwrap()[9], "truck");
        assert_eq!(numbers(&load_test(path).unwrap()), [10, 11]);
        let all = format!("{}#split=all", path.display()).parse::<SetSpec>();
        assert_eq!(all.unwrap().load(&LoadOptions::test()).unwrap().len(), 12);
    }
}

#[test]
fn official_cifar100_is_read_with_the_names_beside_it() {
    let folder = folder();
    let path = folder.path().join("cifar-100-binary");
    write(&path.join("train.bin"), &records(&[&[19, 99]], 1));
    write(&path.join("test.bin"), &records(&[&[0, 4], &[3, 10]], 2));
    let mut names = labels::CIFAR100;
    names[4] = "castor";
    write(
        &path.join("fine_label_names.txt"),
        names.join("\n").as_bytes(),
    );
    let set = load_test(folder.path()).unwrap();
    assert_eq!(set.labels, [Some(4), Some(10)]);
    assert_eq!(set.coarse_labels, Some(vec![Some(0), Some(3)]));
    assert_eq!(set.class_names.unwrap()[4], "castor");
    write(&path.join("coarse_label_names.txt"), b"fish\n");
    assert_eq!(
        message(load_test(folder.path()), folder.path()),
        "FOLDER/cifar-100-binary/coarse_label_names.txt: it has 1 class names, not 20"
    );
}

#[test]
fn a_missing_batch_is_named() {
    let folder = folder();
    cifar10(folder.path());
    fs::remove_file(folder.path().join("data_batch_3.bin")).unwrap();
    let error = message(load(folder.path(), &LoadOptions::train()), folder.path());
    assert!(
        error.starts_with("FOLDER/data_batch_3.bin: this file"),
        "{error}"
    );
    assert!(load_test(folder.path()).is_ok());
}

#[test]
fn records_of_a_wrong_length_or_label_are_refused() {
    let folder = folder();
    let file = folder.path().join("some.bin");
    write(&file, &records(&[&[1], &[2]], 0)[..6000]);
    let error = message(load_test(&file), folder.path());
    assert!(
        error.starts_with("FOLDER/some.bin: 6000 bytes are not"),
        "{error}"
    );
    write(&file, b"");
    assert!(message(load_test(&file), folder.path()).contains("0 bytes are not"));
    write(&file, &records(&[&[1], &[2], &[10]], 0));
    assert_eq!(
        message(load_test(&file), folder.path()),
        "FOLDER/some.bin: record 2 has the label 10, but there are 10 classes (0 to 9): the file \
         is damaged, or belongs to another data set"
    );
    write(&file, &records(&[&[1, 100]], 0));
    assert!(message(load_test(&file), folder.path()).contains("the fine label 100"));
}

#[test]
fn text_is_not_taken_for_records_that_were_cut_short() {
    let folder = folder();
    let file = folder.path().join("list.csv");
    write(&file, "path,label\r\nphotos/Vögel/1.jpg,0\n".as_bytes());
    let error = message(load_test(&file), folder.path());
    assert!(
        error.starts_with(
            "FOLDER/list.csv: it is text. A list of images is a file whose name ends in .txt"
        ) && error.contains("PATH CLASS")
            && error.contains("--help"),
        "{error}"
    );
}
