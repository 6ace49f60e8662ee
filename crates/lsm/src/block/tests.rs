//! Tests of blocks.

use super::build::{BlockBuilder, INDEX_RESTART_EVERY, RESTART_EVERY};
use super::*;
use crate::filter::hash;

type Entries = Vec<(Vec<u8>, Option<Vec<u8>>)>;

fn entries(count: usize) -> Entries {
    let mut keys: Vec<Vec<u8>> = (0..count)
        .map(|n| match n % 3 {
            0 => format!("a shared beginning {n:04}").into_bytes(),
            1 => vec![b'k'; n],
            _ => vec![n.to_le_bytes()[0], 0xFF, n.to_le_bytes()[0]],
        })
        .collect();
    keys.sort();
    keys.dedup();
    let values = (0..).map(|n| (n % 4 > 0).then(|| vec![b'v'; n % 50]));
    keys.into_iter().zip(values).collect()
}

fn block_of(entries: &Entries, restart_every: usize, with_buckets: bool) -> Block {
    let mut builder = BlockBuilder::new(restart_every);
    for (key, value) in entries {
        builder.add(key, value.as_deref(), with_buckets.then(|| hash(key)));
    }
    let mut bytes = Vec::new();
    builder.finish_into(&mut bytes);
    assert!(builder.is_empty());
    Block::open(bytes.into()).unwrap()
}

fn probes(entries: &Entries) -> Vec<Vec<u8>> {
    let mut probes = vec![Vec::new(), vec![0xFF; 9]];
    for (key, _) in entries {
        probes.push(key.clone());
        probes.push([key, &b"\0"[..]].concat());
        probes.push(key[..key.len() - 1].to_vec());
    }
    probes
}

#[test]
fn every_key_is_found_and_every_place() {
    for (count, every, with_buckets) in [
        (1, RESTART_EVERY, true),
        (16, RESTART_EVERY, true),
        (17, RESTART_EVERY, true),
        (150, RESTART_EVERY, true),
        (150, RESTART_EVERY, false),
        (150, INDEX_RESTART_EVERY, false),
        (1, 1, false),
    ] {
        let entries = entries(count);
        let block = block_of(&entries, every, with_buckets);
        let mut seen = Entries::new();
        block
            .check(|key, value| seen.push((key.to_vec(), value.map(<[u8]>::to_vec))))
            .unwrap();
        assert_eq!(seen, entries);
        let mut cursor = block.clone().cursor();
        for probe in probes(&entries) {
            let expected = entries.iter().find(|(key, _)| *key == probe);
            let expected = expected.map(|(_, value)| match value {
                Some(value) => Slot::Value(value.clone().into()),
                None => Slot::Tombstone,
            });
            assert_eq!(block.find(&probe, hash(&probe)).unwrap(), expected);
            let above = entries.iter().position(|(key, _)| *key >= probe);
            let is_on = cursor.seek(&probe).unwrap();
            assert_eq!(
                is_on.then(|| cursor.key().to_vec()),
                above.map(|at| entries[at].0.clone())
            );
            let below = entries.iter().rposition(|(key, _)| *key <= probe);
            let is_on = cursor.seek_back(&probe).unwrap();
            assert_eq!(
                is_on.then(|| cursor.key().to_vec()),
                below.map(|at| entries[at].0.clone())
            );
        }
    }
}

#[test]
fn a_cursor_walks_both_ways() {
    let entries = entries(100);
    let mut cursor = block_of(&entries, RESTART_EVERY, true).cursor();
    let mut is_on = cursor.first().unwrap();
    for (key, value) in &entries {
        assert!(is_on);
        assert_eq!((cursor.key(), cursor.value()), (&key[..], value.as_deref()));
        is_on = cursor.next().unwrap();
    }
    assert!(!is_on);
    let mut is_on = cursor.last().unwrap();
    for (key, value) in entries.iter().rev() {
        assert!(is_on);
        assert_eq!((cursor.key(), cursor.value()), (&key[..], value.as_deref()));
        is_on = cursor.prev().unwrap();
    }
    assert!(!is_on);
}

#[test]
fn bytes_that_are_no_block_are_refused_and_never_panic() {
    assert!(Block::open(Bytes::new()).is_err());
    assert!(Block::open(vec![0; 8].into()).is_err());
    let mut bytes = Vec::new();
    let mut builder = BlockBuilder::new(4);
    for n in 0..20u8 {
        builder.add(&[n, n, n], Some(&[n; 3]), Some(hash(&[n, n, n])));
    }
    builder.finish_into(&mut bytes);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut wounded = bytes.clone();
            wounded[at] ^= 1 << bit;
            let Ok(block) = Block::open(wounded.into()) else {
                continue;
            };
            drop(block.check(|_, _| ()));
            for n in 0..21u8 {
                drop(block.find(&[n, n, n], hash(&[n, n, n])));
            }
            let mut cursor = block.cursor();
            drop((cursor.seek(&[5]), cursor.seek_back(&[5]), cursor.last()));
            for _ in 0..30 {
                drop((cursor.prev(), cursor.next()));
            }
        }
    }
}

#[test]
fn a_bucket_that_leads_to_no_whole_key_is_damage() {
    let entries: Entries = (0..40u8).map(|n| (vec![b'k', n], Some(vec![n]))).collect();
    let block = block_of(&entries, RESTART_EVERY, true);
    let (sound, trailer) = (block.bytes.to_vec(), block.trailer);
    let key = &entries[20].0;
    let second_entry = block.entry(0).unwrap().unwrap().end;
    for offset in [second_entry, trailer.entries_len] {
        let mut bytes = sound.clone();
        let offset = u32::try_from(offset).unwrap().to_le_bytes();
        for restart in 0..trailer.restart_count {
            let at = trailer.entries_len + restart * 4;
            bytes[at..at + 4].copy_from_slice(&offset);
        }
        let block = Block::open(bytes.into()).unwrap();
        assert!(block.find(key, hash(key)).is_err());
    }
}
