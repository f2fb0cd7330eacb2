use prost::Message;

use super::proto::*;
use super::*;
use crate::manifest::METADATA_KEY;
use crate::test_models;

fn entry(key: &str, value: &str) -> StringStringEntryProto {
    StringStringEntryProto {
        key: key.into(),
        value: value.into(),
    }
}

/// The small model after `change`, as bytes.
fn changed(change: impl FnOnce(&mut ModelProto)) -> Vec<u8> {
    let mut model = ModelProto::decode(&*test_models::bytes()).unwrap();
    change(&mut model);
    model.encode_to_vec()
}

fn graph(model: &mut ModelProto) -> &mut GraphProto {
    model.graph.as_mut().unwrap()
}

/// Pseudo-random bytes; the same in every run.
fn noise(seed: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(seed), |state| {
        let next = state.wrapping_mul(6_364_136_223_846_793_005);
        Some(next.wrapping_add(1_442_695_040_888_963_407))
    })
    .map(|state| state >> 33)
}

mod metadata {
    use super::*;

    #[test]
    fn a_value_that_was_written_is_read_again() {
        let model = write_metadata(&test_models::bytes(), "key", "größer").unwrap();
        assert_eq!(read_metadata(&model, "key").unwrap().unwrap(), "größer");
        let model = write_metadata(&model, "key", "").unwrap();
        assert_eq!(read_metadata(&model, "key").unwrap().unwrap(), "");
        assert_eq!(read_metadata(&model, "other").unwrap(), None);
    }

    #[test]
    fn writing_back_the_same_value_changes_no_byte() {
        let model = changed(|model| model.metadata_props.push(entry("author", "someone")));
        let value = read_metadata(&model, METADATA_KEY).unwrap().unwrap();
        let again = write_metadata(&model, METADATA_KEY, &value).unwrap();
        assert!(model == again);
    }

    #[test]
    fn fields_that_this_crate_does_not_know_survive_in_their_place() {
        let small = test_models::bytes();
        // Field 20 (training information, an empty one) and 2047 (none of ONNX's) before all else;
        // 1000 as fixed64 after it.
        let before: &[u8] = &[0xa2, 0x01, 0x00, 0xfa, 0x7f, 0x02, b'h', b'i'];
        let after: &[u8] = &[0xc1, 0x3e, 1, 2, 3, 4, 5, 6, 7, 8];
        let model = [before, &small, after].concat();
        let written = write_metadata(&model, METADATA_KEY, "{}").unwrap();
        assert!(written.starts_with(before) && written.ends_with(after));
        let inner = &written[before.len()..written.len() - after.len()];
        assert!(inner == write_metadata(&small, METADATA_KEY, "{}").unwrap());
    }

    #[test]
    fn only_the_one_key_is_replaced() {
        let model = changed(|model| {
            let manifest = model.metadata_props.pop().unwrap();
            model.metadata_props = vec![entry("a", "1"), manifest, entry("b", "2")];
        });
        let written = write_metadata(&model, METADATA_KEY, "new").unwrap();
        let decoded = ModelProto::decode(&*written).unwrap();
        let expected = vec![entry("a", "1"), entry(METADATA_KEY, "new"), entry("b", "2")];
        assert_eq!(decoded.metadata_props, expected);
        assert_eq!(decoded.graph, ModelProto::decode(&*model).unwrap().graph);
    }

    #[test]
    fn a_key_that_occurs_twice_is_refused_when_read_and_replaced_by_one_when_written() {
        let model = changed(|model| model.metadata_props.push(entry(METADATA_KEY, "{}")));
        assert_eq!(
            read_metadata(&model, METADATA_KEY),
            Err(OnnxError::DuplicateKey {
                key: METADATA_KEY.into()
            })
        );
        let written = write_metadata(&model, METADATA_KEY, "one").unwrap();
        assert_eq!(
            read_metadata(&written, METADATA_KEY).unwrap().unwrap(),
            "one"
        );
    }

    #[test]
    fn a_value_that_is_not_text_is_refused() {
        let mut model = test_models::bytes();
        // An entry of key "k" and the value 0xff.
        model.extend_from_slice(&[0x72, 6, 0x0a, 1, b'k', 0x12, 1, 0xff]);
        let refused = read_metadata(&model, "k");
        assert_eq!(refused, Err(OnnxError::NotText { key: "k".into() }));
    }
}

mod external_data {
    use super::*;

    fn external(name: &str) -> TensorProto {
        TensorProto {
            dims: vec![1],
            data_type: DataType::Float.into(),
            name: name.into(),
            external_data: vec![entry("location", "../../etc/passwd")],
            data_location: 1,
            ..Default::default()
        }
    }

    fn attribute(fill: impl FnOnce(&mut AttributeProto)) -> AttributeProto {
        let mut attribute = AttributeProto::default();
        fill(&mut attribute);
        attribute
    }

    fn node(attribute: AttributeProto) -> NodeProto {
        NodeProto {
            op_type: "If".into(),
            attribute: vec![attribute],
            ..Default::default()
        }
    }

    #[track_caller]
    fn assert_refused(model: &[u8]) {
        let refused = refuse_external_data(model);
        let tensor = "there".to_owned();
        assert_eq!(refused, Err(OnnxError::ExternalData { tensor }));
    }

    #[test]
    fn a_model_with_all_its_data_inside_passes() {
        assert_eq!(refuse_external_data(&test_models::bytes()), Ok(()));
    }

    #[test]
    fn an_external_initialiser_is_refused_by_name() {
        assert_refused(&changed(|m| graph(m).initializer.push(external("there"))));
    }

    #[test]
    fn either_sign_of_external_data_is_enough() {
        for clear in [
            (|tensor: &mut TensorProto| tensor.data_location = 0) as fn(&mut TensorProto),
            |tensor| tensor.external_data.clear(),
            |tensor| tensor.data_location = 7,
        ] {
            let mut tensor = external("there");
            clear(&mut tensor);
            assert_refused(&changed(|m| graph(m).initializer.push(tensor)));
        }
    }

    #[test]
    fn external_values_and_indices_of_sparse_initialisers_are_refused() {
        assert_refused(&changed(|m| {
            graph(m).sparse_initializer.push(SparseTensorProto {
                values: Some(external("there")),
                ..Default::default()
            });
        }));
        assert_refused(&changed(|m| {
            graph(m).sparse_initializer.push(SparseTensorProto {
                indices: Some(external("there")),
                ..Default::default()
            });
        }));
    }

    #[test]
    fn external_tensors_in_every_kind_of_attribute_are_refused() {
        let sparse = || SparseTensorProto {
            values: Some(external("there")),
            ..Default::default()
        };
        let nested = || GraphProto {
            initializer: vec![external("there")],
            ..Default::default()
        };
        let attributes = [
            attribute(|a| a.t = Some(external("there"))),
            attribute(|a| a.tensors = vec![TensorProto::default(), external("there")]),
            attribute(|a| a.sparse_tensor = Some(sparse())),
            attribute(|a| a.sparse_tensors = vec![sparse()]),
            attribute(|a| a.g = Some(nested())),
            attribute(|a| a.graphs = vec![nested()]),
        ];
        for attribute in attributes {
            assert_refused(&changed(|m| graph(m).node.push(node(attribute.clone()))));
            let inner = GraphProto {
                node: vec![node(attribute)],
                ..Default::default()
            };
            let outer = self::attribute(|a| a.g = Some(inner));
            assert_refused(&changed(|m| graph(m).node.push(node(outer))));
        }
    }

    #[test]
    fn external_tensors_in_functions_and_training_information_are_refused() {
        // Both are unknown to `proto`, so their bytes are written here.
        let message = |field: u32, bytes: &[u8]| {
            let mut message = Vec::new();
            wire::push_bytes(&mut message, field, bytes);
            message
        };
        let attribute = attribute(|a| a.t = Some(external("there")));
        let graph = GraphProto {
            initializer: vec![external("there")],
            ..Default::default()
        };
        let parts = [
            message(25, &message(7, &node(attribute.clone()).encode_to_vec())),
            message(25, &message(11, &attribute.encode_to_vec())),
            message(20, &message(1, &graph.encode_to_vec())),
            message(20, &message(2, &graph.encode_to_vec())),
        ];
        for part in parts {
            assert_refused(&[test_models::bytes(), part].concat());
        }
    }

    #[test]
    fn graphs_nested_without_end_are_refused_and_do_not_overflow_the_stack() {
        let mut graph: Vec<u8> = Vec::new();
        for _ in 0..10_000 {
            for field in [6, 5, 1] {
                let mut outer = Vec::new();
                wire::push_bytes(&mut outer, field, &graph);
                graph = outer;
            }
        }
        let mut model = vec![0x08, 0x08];
        wire::push_bytes(&mut model, 7, &graph);
        assert_eq!(refuse_external_data(&model), Err(OnnxError::TooDeep));
    }
}

mod hostile {
    use super::*;

    fn read_all(bytes: &[u8]) -> Result<(), OnnxError> {
        refuse_external_data(bytes)?;
        read_metadata(bytes, METADATA_KEY)?;
        write_metadata(bytes, METADATA_KEY, "{}")?;
        Ok(())
    }

    #[test]
    fn a_file_cut_anywhere_is_never_a_panic_and_never_has_a_manifest() {
        let model = test_models::bytes();
        let mut truncated = 0;
        for length in 0..model.len() {
            let cut = &model[..length];
            truncated += usize::from(matches!(read_all(cut), Err(OnnxError::Truncated { .. })));
            // The manifest comes last in the file, so that no cut keeps it.
            assert!(!matches!(read_metadata(cut, METADATA_KEY), Ok(Some(_))));
        }
        assert!(
            truncated > model.len() / 2,
            "{truncated} of {}",
            model.len()
        );
    }

    #[test]
    fn a_truncated_file_says_how_much_is_missing() {
        let model = test_models::bytes();
        let error = refuse_external_data(&model[..model.len() - 7]).unwrap_err();
        assert_eq!(error, OnnxError::Truncated { missing: 7 });
    }

    #[test]
    fn flipped_bytes_are_never_a_panic() {
        let model = test_models::bytes();
        let mut noise = noise(7);
        let mut next = || noise.next().unwrap() as usize;
        let mut refused = 0;
        for _ in 0..20_000 {
            let mut broken = model.clone();
            for _ in 0..1 + next() % 4 {
                let at = next() % broken.len();
                broken[at] = next() as u8;
            }
            refused += usize::from(read_all(&broken).is_err());
        }
        assert!(refused > 100, "{refused}");
    }

    #[test]
    fn a_length_beyond_all_memory_is_refused_without_being_allocated() {
        let claims = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        let model = [&[0x08, 0x08, 0x3a][..], &claims].concat();
        let error = refuse_external_data(&model).unwrap_err();
        assert!(matches!(error, OnnxError::Malformed { .. }), "{error}");
    }

    #[test]
    fn other_files_are_named_by_what_they_look_like() {
        let cases: [(&[u8], &str); 9] = [
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
            (b"<!DOCTYPE html><html>", "an HTML or XML page"),
            (b"{\"error\": \"not found\"}", "a JSON document"),
            (b"PK\x03\x04\x14\0", "a ZIP archive"),
            (b"\x80\0\0\0\0\0\0\0{\"a\":1}", "a safetensors file"),
            (
                b"version https://git-lfs.github.com/spec/v1\n",
                "git lfs pull",
            ),
            (b"hello there", "a text file"),
            (b"\x1c\0\0\0ORTM", "an ORT-format model"),
        ];
        for (bytes, kind) in cases {
            let message = refuse_external_data(bytes).unwrap_err().to_string();
            assert!(message.contains("not an ONNX model"), "{message}");
            assert!(message.contains(kind), "{kind}: {message}");
        }
        let empty = OnnxError::NotOnnx { looks_like: None };
        assert_eq!(refuse_external_data(b""), Err(empty));
    }

    #[test]
    fn a_model_without_a_graph_is_refused() {
        let model = changed(|model| model.graph = None);
        assert_eq!(refuse_external_data(&model), Err(OnnxError::NoGraph));
    }
}

mod builder {
    use super::*;

    #[test]
    fn a_name_used_twice_is_a_mistake() {
        let mut graph = GraphBuilder::new("g");
        let x = graph.input("x", &[Dim::Batch]);
        let y = graph.relu("x", &x);
        graph.output(&y, &[Dim::Batch]);
        let mistake = graph.finish(&[]).unwrap_err();
        assert_eq!(mistake, GraphError::DuplicateName("x".into()));
    }

    #[test]
    fn data_that_does_not_fill_its_shape_is_a_mistake() {
        let mut graph = GraphBuilder::new("g");
        let weight = graph.floats("w", &[2, 3], &[0.0; 5]);
        graph.output(&weight, &[Dim::Fixed(2), Dim::Fixed(3)]);
        assert_eq!(
            graph.finish(&[]).unwrap_err().to_string(),
            "the constant `w` has 5 values, but its shape [2, 3] needs 6"
        );
    }

    #[test]
    fn a_graph_without_an_output_is_a_mistake() {
        let mistake = GraphBuilder::new("g").finish(&[]).unwrap_err();
        assert_eq!(mistake, GraphError::NoOutput);
    }

    #[test]
    fn constants_are_stored_little_endian_with_their_type() {
        let mut graph = GraphBuilder::new("g");
        let one = graph.floats("f32", &[1], &[1.0]);
        graph.constant("f16", &[1], TensorData::F16(&[0x3c00]));
        graph.constant("i8", &[2], TensorData::I8(&[-1, 2]));
        graph.constant("i64", &[1], TensorData::I64(&[-2]));
        graph.output(&one, &[Dim::Fixed(1)]);
        let model = ModelProto::decode(&*graph.finish(&[]).unwrap()).unwrap();
        let found: Vec<(DataType, Vec<u8>)> = model
            .graph
            .unwrap()
            .initializer
            .into_iter()
            .map(|tensor| (tensor.data_type(), tensor.raw_data))
            .collect();
        let expected = vec![
            (DataType::Float, vec![0, 0, 0x80, 0x3f]),
            (DataType::Float16, vec![0, 0x3c]),
            (DataType::Int8, vec![0xff, 2]),
            (
                DataType::Int64,
                vec![0xfe, 255, 255, 255, 255, 255, 255, 255],
            ),
        ];
        assert_eq!(found, expected);
    }
}
