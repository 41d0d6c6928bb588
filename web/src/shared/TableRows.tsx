import type { ReactNode } from "react";

export interface TableColumn<Row> {
  header: ReactNode;
  /** Unit, below the heading. */
  unit?: string | undefined;
  cell: (row: Row, index: number) => ReactNode;
  /** Numbers are aligned on the right. */
  numeric?: boolean | undefined;
  className?: string;
}

/** Head and body of a table. The first column is the header of the row. */
export function TableRows<Row>({
  columns,
  rows,
  rowKey,
}: {
  columns: readonly TableColumn<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row, index: number) => string | number;
}) {
  return (
    <>
      <thead>
        <tr>
          {columns.map(({ header, unit, numeric }, column) => (
            <th key={column} scope="col" className={classOf(numeric)}>
              {header}
              {unit !== undefined && <span className="unit">{unit}</span>}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={rowKey(row, index)}>
            {columns.map(({ header, cell, numeric, className }, column) =>
              column === 0 ? (
                <th key={column} scope="row" className={classOf(numeric, className)}>
                  {cell(row, index)}
                </th>
              ) : (
                // On phones a row may be a card, where each cell has its label.
                <td
                  key={column}
                  className={classOf(numeric, className)}
                  data-label={typeof header === "string" ? header : undefined}
                >
                  {cell(row, index)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </>
  );
}

function classOf(numeric: boolean | undefined, className?: string): string | undefined {
  return [numeric && "number", className].filter(Boolean).join(" ") || undefined;
}
