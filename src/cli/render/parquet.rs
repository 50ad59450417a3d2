//! Tables as Parquet: one row group, packed with gzip, values that are not there are null.

use std::sync::Arc;

use ::parquet::basic::{
    Compression, GzipLevel, LogicalType, Repetition, TimeUnit, TimestampType, Type as Physical,
};
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::types::Type;

use super::sheet::{Column, Sheet};

/// A file of one table.
pub fn parquet(sheet: &Sheet) -> Result<Vec<u8>> {
    let fields = sheet.columns.iter().map(|(name, column)| field(name, column).map(Arc::new));
    let schema = Type::group_type_builder("history").with_fields(fields.collect::<Result<_>>()?).build()?;
    let properties = WriterProperties::builder()
        .set_created_by("kubectl-testrun".to_owned())
        .set_compression(Compression::GZIP(GzipLevel::default()))
        .build();
    let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    for (_, column) in &sheet.columns {
        match column {
            Column::Text(values) => {
                write::<ByteArrayType, _>(&mut group, values, |text| ByteArray::from(text.as_str()))
            }
            Column::Whole(values) => write::<Int64Type, _>(&mut group, values, |n| *n),
            Column::Time(values) => write::<Int64Type, _>(&mut group, values, |s| s.saturating_mul(1000)),
            Column::Real(values) => write::<DoubleType, _>(&mut group, values, |x| *x),
            Column::Flag(values) => write::<BoolType, _>(&mut group, values, |b| *b),
        }?;
    }
    group.close()?;
    file.into_inner()
}

fn field(name: &str, column: &Column) -> Result<Type> {
    let (physical, logical) = match column {
        Column::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Column::Whole(_) => (Physical::INT64, None),
        Column::Real(_) => (Physical::DOUBLE, None),
        Column::Flag(_) => (Physical::BOOLEAN, None),
        Column::Time(_) => {
            let time = TimestampType { is_adjusted_to_u_t_c: true, unit: TimeUnit::MILLIS };
            (Physical::INT64, Some(LogicalType::Timestamp(time)))
        }
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()
}

/// Writes the next column: what is there, and where nothing is.
fn write<D: DataType, V>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: &[Option<V>],
    of: impl Fn(&V) -> D::T,
) -> Result<()> {
    let there: Vec<D::T> = values.iter().flatten().map(of).collect();
    let levels: Vec<i16> = values.iter().map(|v| i16::from(v.is_some())).collect();
    let missing = || ParquetError::General("the schema has fewer columns than the table".to_owned());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<D>().write_batch(&there, Some(&levels), None)?;
    column.close()
}
