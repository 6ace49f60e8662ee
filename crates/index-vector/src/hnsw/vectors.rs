//! The vectors of a graph, by node number: whole cache lines, in chunks that never move.

use crate::kernel::{Line, flatten};

/// About how many bytes one chunk holds: so many that chunks are few, so few that small graphs are small.
const CHUNK_BYTES: usize = 64 << 10;

#[derive(Debug)]
pub(crate) struct Vectors {
    dim: usize,
    /// Lines that one vector takes; its end is padded with zeros.
    lines: usize,
    /// A chunk holds `1 << shift` vectors.
    shift: u32,
    chunks: Vec<Box<[Line]>>,
}

impl Vectors {
    pub(crate) fn new(dim: usize, lines: usize) -> Vectors {
        let per_chunk = (CHUNK_BYTES / (lines * size_of::<Line>())).max(1);
        Vectors {
            dim,
            lines,
            shift: per_chunk.ilog2(),
            chunks: Vec::new(),
        }
    }

    /// A vector's lines.
    #[inline]
    pub(crate) fn lines(&self, node: u32) -> &[Line] {
        let (chunk, start) = self.place(node);
        &self.chunks[chunk][start..start + self.lines]
    }

    /// A vector, padded.
    #[inline]
    pub(crate) fn padded(&self, node: u32) -> &[f32] {
        flatten(self.lines(node))
    }

    /// A vector, without padding.
    pub(crate) fn bare(&self, node: u32) -> &[f32] {
        &self.padded(node)[..self.dim]
    }

    /// Stores a node's vector, in as many lines as each has.
    pub(crate) fn set(&mut self, node: u32, vector: &[Line]) {
        let (chunk, start) = self.place(node);
        while self.chunks.len() <= chunk {
            let lines = self.lines << self.shift;
            self.chunks
                .push(vec![Line::default(); lines].into_boxed_slice());
        }
        self.chunks[chunk][start..start + self.lines].copy_from_slice(vector);
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.chunks.len() * (self.lines << self.shift) * size_of::<Line>()
    }

    fn place(&self, node: u32) -> (usize, usize) {
        let node = node as usize;
        let within = node & ((1 << self.shift) - 1);
        (node >> self.shift, within * self.lines)
    }
}
