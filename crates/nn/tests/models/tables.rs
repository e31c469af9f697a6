//! Tables without names, with odd ones, and large ones.

use nn::data::{Csv, Table};
use nn::files::FileErrorKind;
use tape::Tensor;

#[test]
fn a_table_without_a_line_of_names_is_read_when_asked_for() {
    let iris = Csv::new().headerless().parse("iris.data", "5.1,3.5,setosa\n4.9,3.0,setosa\n").unwrap();
    assert_eq!(iris.len(), 2, "columns {:?}", iris.columns());
    assert!(Csv::new().headerless().parse("digits.csv", "7,0,0\n2,0,5\n").is_ok());
    assert!(Table::parse("export.csv", ",,weight\n0,0,1.5\n").is_ok());
    assert_eq!(iris.columns(), ["0", "1", "2"]);
    assert_eq!(iris.numbers(&["1", "0"]).unwrap(), Tensor::from([[3.5, 5.1], [3.0, 4.9]]));
    assert_eq!(iris.column("2").unwrap(), ["setosa", "setosa"]);
    let text = iris.numbers::<f64>(&["2"]).unwrap_err().to_string();
    assert_eq!(text, "iris.data: line 1, column \"2\": expected a finite number, found \"setosa\"");
}

#[test]
fn names_may_be_given() {
    let named = |names: &[&str], text: &str| Csv::new().names(names.iter().copied()).parse("a.csv", text);
    let table = named(&["length", "kind"], "\n5.1,setosa\n\n4.9,setosa\n").unwrap();
    assert_eq!(table.numbers(&["length"]).unwrap(), Tensor::from([[5.1], [4.9]]));
    let error = named(&["a", "b", "c"], "1,2\n").unwrap_err();
    assert_eq!(error.to_string(), "a.csv: line 1: expected 3 cells, found 2");
    assert_eq!(
        named(&["a", "a"], "1,2\n").unwrap_err().kind,
        FileErrorKind::RepeatedColumn { column: "a".into() }
    );
    assert_eq!(named(&["a"], "").unwrap().len(), 0);
    let text = Csv::new().headerless().parse("a.csv", "").unwrap_err().to_string();
    assert_eq!(text, "a.csv: not a valid CSV file: the line of column names is missing");
}

#[test]
fn a_first_line_that_looks_like_data_is_an_error_that_says_so() {
    for text in ["5.1,3.5,setosa\n4.9,3.0,setosa\n", "7,0,0\n2,0,5\n", "a,1e3\n", "1;2\n"] {
        let table = Csv::new().separator(if text.contains(';') { b';' } else { b',' }).parse("a.csv", text);
        assert!(matches!(table.unwrap_err().kind, FileErrorKind::FirstLine { .. }), "{text}");
    }
    let text = Table::parse("a.csv", "7,0,0\n2,0,5\n").unwrap_err().to_string();
    assert_eq!(
        text,
        "a.csv: line 1: expected the names of the columns, found the number \"7\": `Csv` reads a file without names"
    );
    let late = Table::parse("a.csv", "\n\n7,0,0\n").unwrap_err().kind;
    assert_eq!(late, FileErrorKind::FirstLine { line: 3, found: "7".into() });
    let years = Csv::new().named().parse("years.csv", "city,2019,2020\nRome,1.5,2\n").unwrap();
    assert_eq!(years.numbers(&["2020", "2019"]).unwrap(), Tensor::from([[2.0, 1.5]]));
    // Words that `f64` understands are words.
    assert!(Table::parse("a.csv", "inf,nan,infinity\n1,2,3\n").is_ok());
}

#[test]
fn columns_without_a_name_are_in_nobodys_way() {
    let table = Table::parse("export.csv", ",,weight\n0,1,1.5\n").unwrap();
    assert_eq!(table.numbers(&["weight"]).unwrap(), Tensor::from([[1.5]]));
    assert_eq!(table.column("").unwrap_err().kind, FileErrorKind::RepeatedColumn { column: String::new() });
    assert_eq!(Table::parse("one.csv", ",b\n1,2\n").unwrap().column("").unwrap(), ["1"]);
    let twice = Table::parse("a.csv", "a,b,a\n").unwrap_err().kind;
    assert_eq!(twice, FileErrorKind::RepeatedColumn { column: "a".into() });
}

/// A number that is finite where it is read may be infinite where it is kept.
#[test]
fn numbers_are_checked_in_the_type_that_they_become() {
    let table = Table::parse("a.csv", "x\n1e39\n").unwrap();
    assert_eq!(table.numbers(&["x"]).unwrap(), Tensor::from([[1e39]]));
    let text = table.numbers::<f32>(&["x"]).unwrap_err().to_string();
    assert_eq!(text, "a.csv: line 2, column \"x\": expected a number in the range of f32, found \"1e39\"");
}

/// Sizes at which anything quadratic takes minutes.
#[test]
fn wide_and_long_tables_are_read_in_a_moment() {
    const WIDE: usize = 160_000;
    let names: Vec<String> = (0..WIDE).map(|i| format!("column {i}")).collect();
    let cells: Vec<String> = (0..WIDE).map(|i| i.to_string()).collect();
    let wide = Table::parse("wide.csv", format!("{}\n{}\n", names.join(","), cells.join(","))).unwrap();
    let columns: Vec<&str> = wide.columns().iter().map(String::as_str).collect();
    let numbers = wide.numbers::<f64>(&columns).unwrap();
    assert_eq!(numbers.get([0, WIDE - 1]), Some(WIDE as f64 - 1.0));
    assert_eq!(wide.drop_missing(&columns, "").unwrap().len(), 1);
    const LONG: usize = 110_000;
    let kinds: Vec<String> = (0..LONG).map(|i| format!("kind {:06}", (i * 7919) % LONG)).collect();
    let long = Table::parse("long.csv", format!("kind\n{}\n", kinds.join("\n"))).unwrap();
    let classes = long.classes("kind").unwrap();
    assert_eq!((classes.names.len(), classes.labels[1]), (LONG, 7919));
    assert_eq!(long.labels("kind", &classes.names).unwrap(), classes.labels);
    assert_eq!(long.drop_missing(&["kind"], "").unwrap(), long);
}
