// What a product covers, and how a tile that juts out over its edge stores. Needs what linear_tile.wgsl asks for.
struct Size { instance: u32, rows: u32, columns: u32, depth: u32 }

fn store_inside(size: Size, row: u32, column: u32, value: vec4<f32>, known: Old) {
    if row < size.rows && column < size.columns { store(size.instance, row, column, value, known); }
}
