//! Tests of edits that no manifest has.

use super::*;

fn meta() -> SstMeta {
    SstMeta {
        number: 1,
        level: 0,
        run: 0,
        file_len: 100,
        footer_crc: 0,
        entries: 1,
        tombstones: 0,
        smallest: vec![0; 5],
        largest: vec![1; 5],
    }
}

#[test]
fn numbers_without_a_next_one_are_refused() {
    let most = crate::manifest::reader::NUMBER_END - 1;
    for (number, is_taken) in [(most, true), (most + 1, false), (u64::MAX, false)] {
        let with = |change: fn(&mut Edit, u64)| {
            let mut edit = Edit {
                add: vec![meta()],
                ..Edit::default()
            };
            change(&mut edit, number);
            edit
        };
        let edits = [
            with(|edit, number| edit.lsn = Lsn(number)),
            with(|edit, number| edit.next_number = number),
            with(|edit, number| edit.next_run = number),
            with(|edit, number| edit.made = StageId(number)),
            with(|edit, number| edit.adopted = StageId(number)),
            with(|edit, number| edit.add[0].number = number),
            with(|edit, number| edit.add[0].file_len = number),
            with(|edit, number| edit.add[0].entries = number),
            with(|edit, number| edit.add[0].tombstones = number),
        ];
        for edit in edits {
            let read = Edit::decode(&edit.encode());
            assert_eq!(read.is_ok_and(|read| read == edit), is_taken, "{edit:?}");
        }
    }
}

#[test]
fn a_staged_sst_is_in_level_0() {
    for level in [0, 1] {
        let stage = StageEdit {
            ssts: vec![SstMeta { level, ..meta() }],
            ..StageEdit::default()
        };
        let edit = Edit {
            stage: Some(stage),
            ..Edit::default()
        };
        assert_eq!(Edit::decode(&edit.encode()).is_ok(), level == 0);
    }
}
