//! The API, alone.
