//! The words of SQL, by what they do in a statement.

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A token of its own.
    Keyword(u8),
    /// What nobody asks for by accident: a table of tables, a procedure of the system.
    Danger,
    /// A function that waits, reads files or fails on purpose; a word like others elsewhere.
    Call,
    /// A function.
    Function,
}

/// Longest word in the tables.
const WORD_BYTES_MAX: usize = 32;

/// Keywords with their token, sorted.
const KEYWORDS: &[(&str, u8)] = &[
    ("all", b'a'),
    ("alter", b'X'),
    ("and", b'&'),
    ("as", b'A'),
    ("asc", b'o'),
    ("begin", b'E'),
    ("between", b'~'),
    ("by", b'y'),
    ("call", b'E'),
    ("case", b'K'),
    ("collate", b'+'),
    ("create", b'X'),
    ("database", b't'),
    ("declare", b'E'),
    ("delay", b'm'),
    ("delete", b'D'),
    ("desc", b'o'),
    ("describe", b'E'),
    ("distinct", b'a'),
    ("distinctrow", b'a'),
    ("div", b'+'),
    ("drop", b'X'),
    ("dumpfile", b'u'),
    ("else", b'e'),
    ("end", b'e'),
    ("escape", b'n'),
    ("except", b'U'),
    ("exec", b'E'),
    ("execute", b'E'),
    ("exists", b'!'),
    ("false", b'1'),
    ("from", b'F'),
    ("function", b't'),
    ("glob", b'='),
    ("grant", b'E'),
    ("group", b'O'),
    ("having", b'H'),
    ("if", b'f'),
    ("ilike", b'='),
    ("in", b'i'),
    ("index", b't'),
    ("insert", b'I'),
    ("intersect", b'U'),
    ("into", b'N'),
    ("is", b'i'),
    ("like", b'='),
    ("limit", b'L'),
    ("merge", b'P'),
    ("minus", b'U'),
    ("mod", b'+'),
    ("not", b'!'),
    ("null", b'1'),
    ("offset", b'L'),
    ("or", b'&'),
    ("order", b'O'),
    ("outfile", b'u'),
    ("procedure", b't'),
    ("regexp", b'='),
    ("replace", b'R'),
    ("returning", b'n'),
    ("rlike", b'='),
    ("select", b'S'),
    ("set", b'T'),
    ("shutdown", b'E'),
    ("similar", b'='),
    ("sounds", b'='),
    ("table", b't'),
    ("then", b'h'),
    ("time", b'm'),
    ("to", b'z'),
    ("trigger", b't'),
    ("true", b'1'),
    ("truncate", b'X'),
    ("union", b'U'),
    ("update", b'P'),
    ("user", b't'),
    ("using", b'n'),
    ("values", b'r'),
    ("view", b't'),
    ("waitfor", b'W'),
    ("when", b'k'),
    ("where", b'w'),
    ("xor", b'&'),
];

/// Sorted.
const CALLS: &[&str] = &[
    "analyse",
    "benchmark",
    "bulk",
    "connection_id",
    "crypt_key",
    "current_user",
    "extractvalue",
    "generate_series",
    "geometrycollection",
    "gtid_subset",
    "json_depth",
    "json_extract",
    "json_keys",
    "like_pattern",
    "linestring",
    "load_extension",
    "load_file",
    "make_set",
    "multipoint",
    "name_const",
    "openrowset",
    "pg_sleep",
    "polygon",
    "randomblob",
    "regexp_substring",
    "row_count",
    "sleep",
    "sysdate",
    "updatexml",
    "user_lock.sleep",
    "uuid_short",
    "xmltype",
    "zeroblob",
];

/// How what nobody asks for by accident begins; sorted.
const DANGERS: &[&str] = &[
    "all_tables",
    "ctxsys.",
    "dbms_",
    "domain.domains",
    "information_schema",
    "master..",
    "master.dbo",
    "master.sys",
    "msysaccessobjects",
    "mysql.db",
    "mysql.user",
    "pg_catalog",
    "pg_read_file",
    "pg_shadow",
    "pg_sleep",
    "pg_tables",
    "pg_user",
    "rdb$",
    "sp_oacreate",
    "sp_executesql",
    "sp_password",
    "sqlite_master",
    "sqlite_version",
    "sys.all_",
    "sys.database",
    "sys.tables",
    "sys.user",
    "syscolumns",
    "sysdatabases",
    "sysibm.",
    "sysmaster",
    "sysobjects",
    "utl_http",
    "utl_inaddr",
    "utl_smtp",
    "xp_",
];

/// Sorted.
const FUNCTIONS: &[&str] = &[
    "abs",
    "ascii",
    "avg",
    "bin",
    "cast",
    "ceil",
    "char",
    "char_length",
    "chr",
    "coalesce",
    "concat",
    "concat_ws",
    "conv",
    "convert",
    "count",
    "current_setting",
    "database",
    "date",
    "db_name",
    "decode",
    "elt",
    "encode",
    "exp",
    "floor",
    "greatest",
    "group_concat",
    "hex",
    "host_name",
    "ifnull",
    "iif",
    "instr",
    "isnull",
    "last_insert_id",
    "lcase",
    "least",
    "left",
    "len",
    "length",
    "locate",
    "log",
    "lower",
    "lpad",
    "ltrim",
    "max",
    "md5",
    "mid",
    "min",
    "now",
    "nullif",
    "nvl",
    "object_id",
    "ord",
    "pi",
    "position",
    "pow",
    "power",
    "quote",
    "rand",
    "repeat",
    "replicate",
    "reverse",
    "right",
    "round",
    "row",
    "rpad",
    "rtrim",
    "schema",
    "sha",
    "sha1",
    "sign",
    "space",
    "sqrt",
    "str",
    "strcmp",
    "strftime",
    "string_agg",
    "substr",
    "substring",
    "sum",
    "suser_name",
    "system_user",
    "to_char",
    "to_number",
    "trim",
    "ucase",
    "unhex",
    "unicode",
    "upper",
    "user",
    "user_name",
    "varchar",
    "version",
    "xmlelement",
];

/// What a word is, in any case.
pub(super) fn find(word: &[u8]) -> Option<Word> {
    let mut buffer = [0_u8; WORD_BYTES_MAX];
    let bytes = word.len().min(WORD_BYTES_MAX);
    let lower = buffer.get_mut(..bytes)?;
    lower.copy_from_slice(word.get(..bytes)?);
    lower.make_ascii_lowercase();
    let lower: &[u8] = lower;
    if word.len() <= WORD_BYTES_MAX {
        if let Ok(found) = KEYWORDS.binary_search_by(|(known, _)| known.as_bytes().cmp(lower)) {
            return KEYWORDS.get(found).map(|(_, token)| Word::Keyword(*token));
        }
        if CALLS.binary_search_by(|known| known.as_bytes().cmp(lower)).is_ok() {
            return Some(Word::Call);
        }
        if FUNCTIONS.binary_search_by(|known| known.as_bytes().cmp(lower)).is_ok() {
            return Some(Word::Function);
        }
    }
    let is_danger = DANGERS.iter().any(|known| lower.starts_with(known.as_bytes()));
    is_danger.then_some(Word::Danger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_can_be_searched() {
        assert!(KEYWORDS.is_sorted());
        assert!(CALLS.is_sorted());
        assert!(FUNCTIONS.is_sorted());
        assert_eq!(find(b"UNION"), Some(Word::Keyword(b'U')));
        assert_eq!(find(b"information_schema.tables"), Some(Word::Danger));
        assert_eq!(find(b"table1"), None);
    }
}
