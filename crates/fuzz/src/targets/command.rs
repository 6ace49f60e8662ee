//! What people type at the command's prompt, beside SQL.

use drystone_cli::fuzzing;

/// A line that starts with a dot.
pub fn dot_command(data: &[u8]) {
    fuzzing::check_dot_command(&String::from_utf8_lossy(data));
}

/// A text of statements and commands.
pub fn script(data: &[u8]) {
    fuzzing::check_script(&String::from_utf8_lossy(data));
}
