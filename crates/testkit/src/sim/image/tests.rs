//! An image reads like a plain vector of bytes, whatever was cloned, written and cut before.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Edit {
    Write(usize, Vec<u8>),
    Zeros(usize, usize),
    SetLen(usize),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let offset = 0..300_000usize;
    let edit = prop_oneof![
        (
            offset.clone(),
            proptest::collection::vec(any::<u8>(), 0..9000)
        )
            .prop_map(|(at, bytes)| Edit::Write(at, bytes)),
        (offset.clone(), 0..9000usize).prop_map(|(at, len)| Edit::Zeros(at, len)),
        offset.prop_map(Edit::SetLen),
    ];
    proptest::collection::vec(edit, 0..12)
}

fn apply(edit: &Edit, image: &mut Image, model: &mut Vec<u8>) {
    match edit {
        Edit::Write(at, bytes) => write(image, model, *at, bytes),
        Edit::Zeros(at, len) => write(image, model, *at, &vec![0; *len]),
        Edit::SetLen(len) => {
            image.set_len(*len as u64);
            model.resize(*len, 0);
        }
    }
}

fn write(image: &mut Image, model: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    image.write_at(bytes, at as u64);
    if bytes.is_empty() {
        return;
    }
    model.resize(model.len().max(at + bytes.len()), 0);
    model[at..at + bytes.len()].copy_from_slice(bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn reads_like_a_vector_and_clones_stay_as_they_were(edits in edits()) {
        let mut image = Image::default();
        let mut model = Vec::new();
        let mut clones = Vec::new();
        for edit in &edits {
            clones.push((image.clone(), model.clone()));
            apply(edit, &mut image, &mut model);
            prop_assert_eq!(image.len(), model.len() as u64);
            prop_assert!(image.to_vec() == model);
        }
        for (image, model) in clones {
            prop_assert!(image.to_vec() == model);
        }
    }
}

#[test]
fn an_extension_takes_no_memory_and_reads_as_zeros() {
    let mut image = Image::default();
    image.set_len(FILE_BYTES_MAX);
    let mut bytes = [9; 4];
    assert_eq!(image.read_at(&mut bytes, FILE_BYTES_MAX - 2), 2);
    assert_eq!(bytes, [0, 0, 9, 9]);
    image.set_len(1);
    assert_eq!(image.to_vec(), [0]);
}

#[test]
fn two_images_differ_first_at_a_byte_or_where_the_shorter_one_ends() {
    let mut image = Image::default();
    image.write_at(&[7; 9000], 0);
    let mut other = image.clone();
    assert_eq!(image.first_difference(&other), None);
    other.write_at(&[7; 100], 5000); // a copy of the page, with the same bytes
    assert_eq!(image.first_difference(&other), None);
    other.write_at(&[0; 3], 8000);
    assert_eq!(image.first_difference(&other), Some(8000));
    other.set_len(6000);
    assert_eq!(image.first_difference(&other), Some(6000));
    other.set_len(0);
    assert_eq!(image.first_difference(&other), Some(0));
    let mut zeros = Image::default();
    zeros.set_len(5000);
    assert_eq!(other.first_difference(&zeros), Some(0));
    assert_eq!(zeros.first_difference(&zeros.clone()), None);
}
