//! Hostile tables.

use super::catalogue::{Row, check, foreign};
use super::*;
use std::path::Path;

/// Reads the column `x` as numbers and the column `kind` as classes.
fn read(path: &Path) -> Result<String, FileError> {
    let table = Table::read(path)?;
    let numbers: Vec<String> = table.numbers::<f64>(&["x"])?.to_vec().iter().map(f64::to_string).collect();
    let classes = table.classes("kind")?;
    let labels: Vec<&str> = classes.labels.iter().map(|&label| classes.names[label].as_str()).collect();
    assert_eq!((numbers.len(), labels.len()), (table.len(), table.len()));
    Ok(format!("{}; {}", numbers.join(" "), labels.join("|")))
}

/// A table with this text as its only number.
fn number(text: &str) -> Vec<u8> {
    format!("x,kind\n{text},a\n").into_bytes()
}

fn bytes(text: impl AsRef<[u8]>) -> Vec<u8> {
    text.as_ref().to_vec()
}

fn rows() -> Vec<Row> {
    let utf16 =
        |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let rows = vec![
        // The first line.
        ("nothing", vec![], Err("not a valid CSV file: the line of column names is missing")),
        ("a line break", bytes("\n"), Err("not a valid CSV file: the line of column names is missing")),
        (
            "line breaks of three kinds",
            bytes("\r\n\n\r"),
            Err("not a valid CSV file: the line of column names is missing"),
        ),
        (
            "a mark of UTF-8",
            bytes("\u{feff}"),
            Err("not a valid CSV file: the line of column names is missing"),
        ),
        ("a mark of UTF-8 before a table", bytes("\u{feff}x,kind\n1,a\n"), Ok("1; a")),
        ("a first line and no row", bytes("x,kind\n"), Ok("; ")),
        ("a first line of blanks", bytes(" , \n1,a\n"), Err("no column \"x\" among , ")),
        (
            "no names",
            bytes("1,a\n2,b\n"),
            Err(
                "line 1: expected the names of the columns, found the number \"1\": `Csv` reads a file without names",
            ),
        ),
        (
            "a name that is a number",
            bytes("x,kind,2019\n1,a,3\n"),
            Err(
                "line 1: expected the names of the columns, found the number \"2019\": `Csv` reads a file without names",
            ),
        ),
        ("names that read like numbers that are not finite", bytes("x,kind,inf,nan\n1,a,2,3\n"), Ok("1; a")),
        ("another name", bytes("y,kind\n1,a\n"), Err("no column \"x\" among y, kind")),
        ("a name in capitals", bytes("X,kind\n1,a\n"), Err("no column \"x\" among X, kind")),
        ("a name twice", bytes("x,kind,x\n1,a,2\n"), Err("column \"x\" appears more than once")),
        (
            "a name twice, once with blanks",
            bytes("x,kind, x \n1,a,2\n"),
            Err("column \"x\" appears more than once"),
        ),
        (
            "a name twice, once with quotes",
            bytes("x,kind,\"x\"\n1,a,2\n"),
            Err("column \"x\" appears more than once"),
        ),
        ("columns without names", bytes("x,kind,,\n1,a,,\n"), Ok("1; a")),
        (
            "a name of 4097 bytes",
            bytes(format!("x,kind,{}\n1,a,2\n", "n".repeat(4097))),
            Err("bytes of a name: expected at most 4096, found 4097 (see nn::files::Limits)"),
        ),
        (
            "a name with a command for the terminal",
            bytes("\u{1b}[2J,kind\n1,a\n"),
            Err("no column \"x\" among \\u{1b}[2J, kind"),
        ),
        ("a name with a zero byte", bytes("x\0,kind\n1,a\n"), Err("no column \"x\" among x\\0, kind")),
        (
            "a name with a line break",
            bytes("x,kind,\"a\nb\"\n1,a\n"),
            Err("line 3: expected 3 cells, found 2"),
        ),
        (
            "an extra separator at the end of the names",
            bytes("x,kind,\n1,a\n"),
            Err("line 2: expected 3 cells, found 2"),
        ),
        // Encodings.
        (
            "UTF-16, little-endian",
            [b"\xff\xfe".to_vec(), utf16("x,kind\n1,a\n", u16::to_le_bytes)].concat(),
            Err("not a valid CSV file: line 1 is not UTF-8"),
        ),
        (
            "UTF-16, big-endian",
            [b"\xfe\xff".to_vec(), utf16("x,kind\n1,a\n", u16::to_be_bytes)].concat(),
            Err("not a valid CSV file: line 1 is not UTF-8"),
        ),
        (
            "UTF-16 without a mark",
            utf16("x,kind\n1,a\n", u16::to_le_bytes),
            Err("line 3: expected 2 cells, found 1"),
        ),
        (
            "Latin-1 in a name",
            bytes(b"x,kind,\xe9\n1,a,b\n"),
            Err("not a valid CSV file: line 1 is not UTF-8"),
        ),
        (
            "Latin-1 in a cell",
            bytes(b"x,kind\n1,a\n2,caf\xe9\n"),
            Err("not a valid CSV file: line 3 is not UTF-8"),
        ),
        (
            "half a character at the end",
            bytes(b"x,kind\n1,a\n2,caf\xc3"),
            Err("not a valid CSV file: line 3 is not UTF-8"),
        ),
        (
            "a surrogate in UTF-8",
            bytes(b"x,kind\n1,\xed\xa0\x80\n"),
            Err("not a valid CSV file: line 2 is not UTF-8"),
        ),
        (
            "an overlong character",
            bytes(b"x,kind\n1,\xc0\x80\n"),
            Err("not a valid CSV file: line 2 is not UTF-8"),
        ),
        ("a zero byte in a cell", bytes("x,kind\n1,a\0b\n"), Ok("1; a\0b")),
        // Rows.
        ("a cell too few", bytes("x,kind\n1,a\n2\n"), Err("line 3: expected 2 cells, found 1")),
        ("a cell too many", bytes("x,kind\n1,a\n2,b,c\n"), Err("line 3: expected 2 cells, found 3")),
        ("a decimal comma", bytes("x,kind\n1,5,a\n"), Err("line 2: expected 2 cells, found 3")),
        (
            "a decimal comma in quotes",
            bytes("x,kind\n\"1,5\",a\n"),
            Err("line 2, column \"x\": expected a finite number, found \"1,5\""),
        ),
        ("semicolons", bytes("x;kind\n1;a\n"), Err("no column \"x\" among x;kind")),
        (
            "semicolons, after a first line with a comma",
            bytes("x,kind\n1;a\n"),
            Err("line 2: expected 2 cells, found 1"),
        ),
        ("tabulators", bytes("x\tkind\n1\ta\n"), Err("no column \"x\" among x\\tkind")),
        (
            "only separators",
            bytes("x,kind\n,\n"),
            Err("line 2, column \"x\": expected a finite number, found \"\""),
        ),
        (
            "a thousand separators",
            bytes(format!("x,kind\n{}\n", ",".repeat(1000))),
            Err("line 2: expected 2 cells, found 1001"),
        ),
        ("a row of one blank", bytes("x,kind\n1,a\n \n"), Err("line 3: expected 2 cells, found 1")),
        ("a comment", bytes("x,kind\n# comment\n1,a\n"), Err("line 2: expected 2 cells, found 1")),
        ("a merge conflict", bytes("x,kind\n<<<<<<< HEAD\n1,a\n"), Err("line 2: expected 2 cells, found 1")),
        ("empty lines", bytes("x,kind\n\n\n1,a\n\n"), Ok("1; a")),
        (
            "empty lines before a wrong row",
            bytes("x,kind\n\n\n1,a,b\n"),
            Err("line 4: expected 2 cells, found 3"),
        ),
        ("lines of Windows", bytes("x,kind\r\n1,a\r\n"), Ok("1; a")),
        ("lines of old Macs", bytes("x,kind\r1,a\r"), Ok("1; a")),
        ("no line break at the end", bytes("x,kind\n1,a"), Ok("1; a")),
        ("a last row that is cut", bytes("x,kind\n1,a\n2"), Err("line 3: expected 2 cells, found 1")),
        // Quotes.
        (
            "a quote that is not closed",
            bytes("x,kind\n1,\"a\n2,b\n"),
            Err("not a valid CSV file: line 2: expected a closing quote, found the end of the file"),
        ),
        (
            "a quote that is not closed in the last cell",
            bytes("x,kind\n1,a\n2,\"b"),
            Err("not a valid CSV file: line 3: expected a closing quote, found the end of the file"),
        ),
        (
            "a quote that is not closed after two quotes",
            bytes("x,kind\n1,a\n2,\"b\"\""),
            Err("not a valid CSV file: line 3: expected a closing quote, found the end of the file"),
        ),
        (
            "a quote that is not closed in the names",
            bytes("x,\"kind\n1,a\n"),
            Err("not a valid CSV file: line 1: expected a closing quote, found the end of the file"),
        ),
        ("a quote that is closed early", bytes("x,kind\n1,\"a\"b\n"), Ok("1; ab")),
        ("a quote within a cell", bytes("x,kind\n1,a\"b\n"), Ok("1; a\"b")),
        ("a quote after a blank", bytes("x,kind\n1, \"a,b\"\n"), Err("line 2: expected 2 cells, found 3")),
        ("a separator in quotes", bytes("x,kind\n1,\"a,b\"\n"), Ok("1; a,b")),
        ("a row in quotes", bytes("x,kind\n\"1,a\"\n"), Err("line 2: expected 2 cells, found 1")),
        (
            "line breaks in quotes before a wrong row",
            bytes("x,kind\n1,\"a\n\n\"\n2\n"),
            Err("line 5: expected 2 cells, found 1"),
        ),
        (
            "typographic quotes",
            bytes("x,kind\n“1”,a\n"),
            Err("line 2, column \"x\": expected a finite number, found \"“1”\""),
        ),
        // Numbers.
        (
            "a number that is missing",
            number(""),
            Err("line 2, column \"x\": expected a finite number, found \"\""),
        ),
        (
            "a number that is a blank",
            number("  "),
            Err("line 2, column \"x\": expected a finite number, found \"\""),
        ),
        ("NA", number("NA"), Err("line 2, column \"x\": expected a finite number, found \"NA\"")),
        ("NaN", number("NaN"), Err("line 2, column \"x\": expected a finite number, found \"NaN\"")),
        ("infinity", number("inf"), Err("line 2, column \"x\": expected a finite number, found \"inf\"")),
        (
            "minus infinity",
            number("-Infinity"),
            Err("line 2, column \"x\": expected a finite number, found \"-Infinity\""),
        ),
        (
            "a number beyond f64",
            number("1e400"),
            Err("line 2, column \"x\": expected a finite number, found \"1e400\""),
        ),
        (
            "a number of 400 digits",
            number(&"9".repeat(400)),
            Err(
                "line 2, column \"x\": expected a finite number, found \"99999999999999999999999999999999999999999999999999999999999999999999999999999999\"... (400 bytes)",
            ),
        ),
        ("a number of 400 digits after the point", number(&format!("0.{}1", "0".repeat(400))), Ok("0; a")),
        (
            "an exponent beyond every type",
            number("1e99999999999999999999"),
            Err("line 2, column \"x\": expected a finite number, found \"1e99999999999999999999\""),
        ),
        (
            "two points",
            number("1.2.3"),
            Err("line 2, column \"x\": expected a finite number, found \"1.2.3\""),
        ),
        ("two signs", number("--1"), Err("line 2, column \"x\": expected a finite number, found \"--1\"")),
        (
            "an exponent without digits",
            number("1e"),
            Err("line 2, column \"x\": expected a finite number, found \"1e\""),
        ),
        ("base 16", number("0x10"), Err("line 2, column \"x\": expected a finite number, found \"0x10\"")),
        (
            "an underscore",
            number("1_000"),
            Err("line 2, column \"x\": expected a finite number, found \"1_000\""),
        ),
        ("a percentage", number("5%"), Err("line 2, column \"x\": expected a finite number, found \"5%\"")),
        ("a currency", number("$5"), Err("line 2, column \"x\": expected a finite number, found \"$5\"")),
        ("a formula", number("=1+1"), Err("line 2, column \"x\": expected a finite number, found \"=1+1\"")),
        (
            "a typographic minus",
            number("−1"),
            Err("line 2, column \"x\": expected a finite number, found \"−1\""),
        ),
        (
            "digits of another script",
            number("١"),
            Err("line 2, column \"x\": expected a finite number, found \"١\""),
        ),
        ("a fraction", number("½"), Err("line 2, column \"x\": expected a finite number, found \"½\"")),
        (
            "a blank between digits",
            number("1 000"),
            Err("line 2, column \"x\": expected a finite number, found \"1 000\""),
        ),
        (
            "a cell of 100,000 bytes",
            number(&"y".repeat(100_000)),
            Err(
                "line 2, column \"x\": expected a finite number, found \"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\"... (100000 bytes)",
            ),
        ),
        (
            "a command for the terminal",
            number("\u{1b}[2J"),
            Err("line 2, column \"x\": expected a finite number, found \"\\u{1b}[2J\""),
        ),
        ("a blank that does not break", number("\u{a0}1"), Ok("1; a")),
        ("the forms of one", bytes("x,kind\n+1,a\n1.,b\n1e0,c\n01,d\n 1 ,e\n"), Ok("1 1 1 1 1; a|b|c|d|e")),
        ("numbers below f64", bytes("x,kind\n1e-400,a\n-1e-400,b\n"), Ok("0 -0; a|b")),
        (
            "an array of NumPy",
            npy::to_bytes(&Tensor::<f64>::ones([2])),
            Err("not a valid CSV file: line 1 is not UTF-8"),
        ),
        ("a compressed table", gzip(b"x,kind\n1,a\n"), Err("not a valid CSV file: line 1 is not UTF-8")),
    ];
    rows.into_iter().chain(foreign(FOREIGN)).collect()
}

const FOREIGN: [&str; 8] = [
    "not a valid CSV file: line 1 is not UTF-8",
    "no column \"x\" among <!DOCTYPE html>",
    "no column \"x\" among version https://git-lfs.github.com/spec/v1",
    "not a valid CSV file: line 1 is not UTF-8",
    "not a valid CSV file: line 1 is not UTF-8",
    "no column \"x\" among \\u{7f}ELF\\u{2}\\u{1}\\u{1}\\0\\0\\0\\0\\0\\0\\0\\0\\0\\u{3}\\0>\\0",
    "no column \"x\" among \\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0",
    "not a valid CSV file: line 1 is not UTF-8",
];

#[test]
fn tables() {
    check("csv", rows(), read);
}
