//! SQLSTATE: the five characters by which programs tell errors apart (PostgreSQL documentation, appendix A).

macro_rules! sql_states {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// The kind of an error. Codes are PostgreSQL's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum SqlState {
            $($(#[$doc])* $name,)*
        }

        impl SqlState {
            /// The five characters.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self {
                    $(SqlState::$name => $code,)*
                }
            }

            /// The state of a code; [`SqlState::DataException`] for one that is not listed.
            pub(crate) fn of_code(code: &str) -> SqlState {
                match code {
                    $($code => SqlState::$name,)*
                    _ => SqlState::DataException,
                }
            }
        }
    };
}

sql_states! {
    /// SQL that is valid but not offered.
    FeatureNotSupported = "0A000",
    /// A subquery used as a value gave more than one row.
    CardinalityViolation = "21000",
    /// A value is wrong in some way that has no code of its own here.
    DataException = "22000",
    /// A number is outside its type's range.
    NumericValueOutOfRange = "22003",
    /// A date or time is outside the range, or no such moment exists.
    DatetimeFieldOverflow = "22008",
    /// Text does not spell a date or time.
    InvalidDatetimeFormat = "22007",
    /// Division by zero.
    DivisionByZero = "22012",
    /// Logarithm of a number that has none.
    InvalidArgumentForLogarithm = "2201E",
    /// Power that is not a real number.
    InvalidArgumentForPowerFunction = "2201F",
    /// LIMIT is negative.
    InvalidRowCountInLimit = "2201W",
    /// OFFSET is negative.
    InvalidRowCountInOffset = "2201X",
    /// A substring of negative length.
    SubstringError = "22011",
    /// A parameter has a wrong value.
    InvalidParameterValue = "22023",
    /// A LIKE pattern ends in its escape character.
    InvalidEscapeSequence = "22025",
    /// Text does not spell a value of the type.
    InvalidTextRepresentation = "22P02",
    /// A NULL in a column that takes none.
    NotNullViolation = "23502",
    /// A key that is there already.
    UniqueViolation = "23505",
    /// BEGIN within a transaction.
    ActiveSqlTransaction = "25001",
    /// COMMIT, ROLLBACK or SAVEPOINT outside a transaction.
    NoActiveSqlTransaction = "25P01",
    /// A write in a read-only transaction.
    ReadOnlySqlTransaction = "25006",
    /// No savepoint of this name.
    InvalidSavepoint = "3B001",
    /// A concurrent transaction changed the same things first. Run the transaction again.
    SerializationFailure = "40001",
    /// The text is not SQL.
    SyntaxError = "42601",
    /// A column that is neither grouped nor aggregated.
    GroupingError = "42803",
    /// Types that do not fit.
    DatatypeMismatch = "42804",
    /// No cast between these types.
    CannotCoerce = "42846",
    /// A column name that two tables have.
    AmbiguousColumn = "42702",
    /// No such column.
    UndefinedColumn = "42703",
    /// No such function or operator for these types.
    UndefinedFunction = "42883",
    /// More than one function or operator fits.
    AmbiguousFunction = "42725",
    /// No such table.
    UndefinedTable = "42P01",
    /// No such parameter.
    UndefinedParameter = "42P02",
    /// No such index, type, collation, ...
    UndefinedObject = "42704",
    /// A column named twice.
    DuplicateColumn = "42701",
    /// A table alias used twice.
    DuplicateAlias = "42712",
    /// A name that a table or index has already.
    DuplicateTable = "42P07",
    /// A reference to a column that may not be used there.
    InvalidColumnReference = "42P10",
    /// A definition that contradicts itself.
    InvalidTableDefinition = "42P16",
    /// The type of a parameter cannot be told.
    IndeterminateDatatype = "42P18",
    /// The object is of another kind.
    WrongObjectType = "42809",
    /// A statement is used where its kind is not allowed.
    InvalidStatement = "42P14",
    /// The memory budget of the statement is spent.
    OutOfMemory = "53200",
    /// A limit of this program was passed.
    ProgramLimitExceeded = "54000",
    /// Nested too deeply.
    StatementTooComplex = "54001",
    /// Too many columns.
    TooManyColumns = "54011",
    /// The object is in use.
    ObjectInUse = "55006",
    /// The statement took longer than it may.
    QueryCanceled = "57014",
    /// The store refused: a device, a file, a limit of it.
    IoError = "58030",
    /// Bytes in the database break their format.
    DataCorrupted = "XX001",
    /// An index does not agree with its table.
    IndexCorrupted = "XX002",
}
