//! The table of penguins in the repository: 344 birds of three species. See the notice beside the file.

use nn::data::Table;
use nn::files::FileError;

/// The marker of a value that was not measured.
pub const MISSING: &str = "NA";

/// The table.
///
/// # Errors
/// None: the file is part of the program, and a test reads it.
pub fn table() -> Result<Table, FileError> {
    Table::parse("penguins.csv", include_str!("../data/tables/penguins.csv"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published facts about the table.
    #[test]
    fn there_are_344_penguins_of_three_species_and_333_without_gaps() {
        let table = table().unwrap();
        assert_eq!((table.len(), table.columns().len()), (344, 8));
        let species = table.classes("species").unwrap();
        assert_eq!(species.names, ["Adelie", "Chinstrap", "Gentoo"]);
        let count = |class| species.labels.iter().filter(|&&label| label == class).count();
        assert_eq!([0, 1, 2].map(count), [152, 68, 124]);
        let measured = table.drop_missing(&["bill_length_mm", "body_mass_g"], MISSING).unwrap();
        assert_eq!((measured.len(), measured.drop_missing(&["sex"], MISSING).unwrap().len()), (342, 333));
    }
}
