//! What files were some syncs ago, for media that give old pages back.

use std::collections::{BTreeMap, VecDeque};

use super::image::Image;
use super::step::FileId;

/// The last durable images of each file, oldest first. Images share their pages, so a generation costs what changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Generations {
    most: usize,
    images: BTreeMap<FileId, VecDeque<Image>>,
}

impl Generations {
    /// From now on keeps so many of each file.
    pub(super) fn keep_most(&mut self, count: usize) {
        self.most = self.most.max(count);
    }

    /// Keeps the image that a sync is about to replace.
    pub(super) fn keep(&mut self, file: FileId, durable: &Image) {
        if self.most == 0 || durable.is_empty() {
            return;
        }
        let images = self.images.entry(file).or_default();
        images.push_back(durable.clone());
        if images.len() > self.most {
            images.pop_front();
        }
    }

    /// The images kept of a file, oldest first.
    pub(super) fn of(&self, file: FileId) -> impl Iterator<Item = &Image> {
        self.images.get(&file).into_iter().flatten()
    }
}
