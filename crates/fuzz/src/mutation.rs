//! Random changes of inputs, for runs without libFuzzer: from one seed, the same ones every time.

use drystone_testkit::Draw;

use crate::Target;

/// Changes made to one input, at most.
const STEPS_MAX: u64 = 6;

/// Inputs of a target: its seeds as they are, then changes of them.
pub struct Mutation {
    target: Target,
    seeds: Vec<Vec<u8>>,
    draw: Draw,
    next_seed: usize,
}

impl Mutation {
    /// The stream of a seed.
    pub fn new(target: Target, seed: u64) -> Mutation {
        let mut seeds = (target.seeds)();
        seeds.push(Vec::new());
        Mutation {
            target,
            seeds,
            draw: Draw::new(seed),
            next_seed: 0,
        }
    }

    /// The next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        if let Some(seed) = self.seeds.get(self.next_seed) {
            self.next_seed += 1;
            return seed.clone();
        }
        let mut input = match self.draw.chance(15) {
            true => self.random(),
            false => self.draw.pick(&self.seeds).clone(),
        };
        for _ in 0..=self.draw.below(STEPS_MAX) {
            self.step(&mut input);
        }
        input.truncate(self.target.len_max);
        input
    }

    fn random(&mut self) -> Vec<u8> {
        let len = self.draw.index(self.target.len_max.min(300) + 1);
        self.draw.bytes(len)
    }

    fn step(&mut self, input: &mut Vec<u8>) {
        let place = self.draw.index(input.len() + 1);
        match self.draw.below(8) {
            0 if place < input.len() => input[place] ^= 1 << self.draw.below(8),
            1 if place < input.len() => input[place] = self.draw.number().to_le_bytes()[0],
            2 => {
                let edge = *self.draw.pick(&[0, 1, 0x7F, 0x80, 0xFF]);
                let width = *self.draw.pick(&[1, 2, 4, 8]);
                input
                    .iter_mut()
                    .skip(place)
                    .take(width)
                    .for_each(|byte| *byte = edge);
            }
            3 => {
                let end = (place + self.draw.index(9)).min(input.len());
                input.drain(place..end);
            }
            4 => {
                let count = self.draw.index(9);
                let bytes = self.draw.bytes(count);
                input.splice(place..place, bytes);
            }
            5 => {
                let end = (place + self.draw.index(33)).min(input.len());
                let part = input[place..end].to_vec();
                let to = self.draw.index(input.len() + 1);
                input.splice(to..to, part);
            }
            6 if !self.target.words.is_empty() => {
                let word = self.draw.pick(self.target.words).bytes();
                input.splice(place..place, word);
            }
            _ => {
                let other = self.draw.pick(&self.seeds).clone();
                let from = self.draw.index(other.len() + 1);
                input.truncate(place);
                input.extend_from_slice(&other[from..]);
            }
        }
    }
}
