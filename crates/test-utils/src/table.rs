//! State x operation: what a contract suite covers.

use std::collections::BTreeSet;
use std::fmt::Debug;

/// One operation, and every state in which it can be called.
#[derive(Clone, Copy, Debug)]
pub struct Row<S: 'static> {
    /// `Type::method`, or a free function's name.
    pub operation: &'static str,
    /// The states in which it is tested and fuzzed.
    pub states: &'static [S],
}

/// The rows of one channel.
pub type Table<S> = [Row<S>];

/// The row of one operation.
///
/// # Panics
///
/// If the table does not have it.
#[track_caller]
pub fn row<S: Copy>(table: &Table<S>, operation: &str) -> Row<S> {
    match table.iter().find(|row| row.operation == operation) {
        Some(row) => *row,
        None => panic!("{operation} is not in the table"),
    }
}

/// Checks one operation in every state of its row.
///
/// `expected` names each state once with what must come out of it; `observe` puts a channel into that state
/// and calls the operation.
///
/// # Panics
///
/// If the states are not those of the row, or an outcome differs.
#[track_caller]
pub fn check<S, R>(
    table: &Table<S>,
    operation: &str,
    expected: &[(S, R)],
    mut observe: impl FnMut(S) -> R,
) where
    S: Copy + Ord + Debug,
    R: PartialEq + Debug,
{
    let listed: BTreeSet<S> = expected.iter().map(|(state, _)| *state).collect();
    let row: BTreeSet<S> = row(table, operation).states.iter().copied().collect();
    assert_eq!(
        listed, row,
        "states listed for {operation}, states in the table"
    );
    for (state, outcome) in expected {
        assert_eq!(observe(*state), *outcome, "{operation} in state {state:?}");
    }
}
