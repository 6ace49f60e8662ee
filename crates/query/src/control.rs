//! Statements that begin, end and divide transactions. They need no catalog.

use drystone_mvcc::IsolationLevel;
use sqlparser::ast::{self, TransactionAccessMode, TransactionIsolationLevel, TransactionMode};
use sqlparser::tokenizer::Span;

use crate::bind::names::{fold, refuse};
use crate::error::SqlError;

/// A statement that concerns the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    Begin {
        level: IsolationLevel,
        read_only: bool,
    },
    Commit,
    Rollback,
    Savepoint(String),
    RollbackTo(String),
    Release(String),
}

/// The control statement of a syntax tree; `None` when it is another statement.
pub(crate) fn of_syntax(statement: &ast::Statement) -> Result<Option<Control>, SqlError> {
    let nowhere = Span::empty();
    Ok(Some(match statement {
        ast::Statement::StartTransaction {
            modes,
            begin: _,       // BEGIN or START TRANSACTION.
            transaction: _, // TRANSACTION or WORK.
            modifier,
            statements,
            exception,
            has_end_keyword,
        } => {
            refuse(modifier.is_some(), "BEGIN with a modifier", nowhere)?;
            refuse(!statements.is_empty(), "a block of statements", nowhere)?;
            refuse(exception.is_some(), "EXCEPTION", nowhere)?;
            refuse(*has_end_keyword, "a block of statements", nowhere)?;
            begin(modes)?
        }
        ast::Statement::Commit {
            chain,
            end: _, // END or COMMIT.
            modifier,
        } => {
            refuse(*chain, "AND CHAIN", nowhere)?;
            refuse(modifier.is_some(), "COMMIT with a modifier", nowhere)?;
            Control::Commit
        }
        ast::Statement::Rollback { chain, savepoint } => {
            refuse(*chain, "AND CHAIN", nowhere)?;
            match savepoint {
                Some(name) => Control::RollbackTo(fold(name).text),
                None => Control::Rollback,
            }
        }
        ast::Statement::Savepoint { name } => Control::Savepoint(fold(name).text),
        ast::Statement::ReleaseSavepoint { name } => Control::Release(fold(name).text),
        _ => return Ok(None),
    }))
}

fn begin(modes: &[TransactionMode]) -> Result<Control, SqlError> {
    let mut level = IsolationLevel::default();
    let mut read_only = false;
    for mode in modes {
        match mode {
            TransactionMode::IsolationLevel(asked) => level = isolation_level(*asked)?,
            TransactionMode::AccessMode(TransactionAccessMode::ReadOnly) => read_only = true,
            TransactionMode::AccessMode(TransactionAccessMode::ReadWrite) => read_only = false,
        }
    }
    Ok(Control::Begin { level, read_only })
}

/// The level asked for. Whether it is offered is the store's to say.
fn isolation_level(asked: TransactionIsolationLevel) -> Result<IsolationLevel, SqlError> {
    Ok(match asked {
        TransactionIsolationLevel::ReadUncommitted => IsolationLevel::ReadUncommitted,
        TransactionIsolationLevel::ReadCommitted => IsolationLevel::ReadCommitted,
        TransactionIsolationLevel::RepeatableRead => IsolationLevel::RepeatableRead,
        TransactionIsolationLevel::Serializable => IsolationLevel::Serializable,
        TransactionIsolationLevel::Snapshot => {
            return Err(SqlError::unsupported("isolation level SNAPSHOT")
                .with_hint("REPEATABLE READ is snapshot isolation"));
        }
    })
}
