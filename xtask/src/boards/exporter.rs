//! stub
use crate::board::Board;
use crate::grid::Grid;
use crate::link::To;
/// The board.
pub fn board() -> Board {
    Board {
        which: To::Exporter,
        description: "",
        from: "now-7d",
        variables: vec![],
        annotations: vec![],
        grid: Grid::default(),
    }
}
