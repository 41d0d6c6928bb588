import { type ReactNode, useMemo, useState } from "react";
import { Button } from "../../../shared/Button";
import { type Column, csvOf, fileName } from "./columns";
import { ScrollTable } from "./ScrollTable";

interface TableProps<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string | number;
}

/** A table of a chart's data that scrolls on its own. The first column is the header of the row. */
export function DataTable<Row>({ caption, columns, rows, rowKey }: TableProps<Row>) {
  return (
    <ScrollTable label={caption}>
      <caption className="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          <ColumnHeaders columns={columns} />
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={rowKey(row)}>
            {columns.map(({ name, text, numeric }, index) =>
              index === 0 ? (
                <th key={name} scope="row">
                  {text(row)}
                </th>
              ) : (
                <td key={name} className={numeric ? "number" : undefined}>
                  {text(row)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </ScrollTable>
  );
}

export function ColumnHeaders<Row>({ columns }: { columns: readonly Column<Row>[] }) {
  return columns.map(({ name, header, numeric, unit }) => (
    <th key={name} scope="col" className={numeric ? "number" : undefined}>
      {header}
      {unit !== undefined && <span className="unit">{unit}</span>}
    </th>
  ));
}

/** The data behind a chart on demand: a button for the table and one for the file. */
export function useChartData<Row>(
  title: string,
  fileParts: string[],
  { caption, columns, rows, rowKey }: TableProps<Row>,
  /** Whether there is a button for the table: not where the table is the content. */
  hideable = true,
): { actions: ReactNode; table: ReactNode } {
  const [shown, setShown] = useState(false);
  // The table may have thousands of rows, and the chart is rendered at each movement of its cursor.
  const table = useMemo(
    () => (shown ? <DataTable caption={caption} columns={columns} rows={rows} rowKey={rowKey} /> : null),
    [shown, caption, columns, rows],
  );
  if (rows.length === 0) {
    return { actions: null, table: null };
  }
  return {
    actions: (
      <>
        {hideable && (
          <Button
            look="quiet"
            aria-expanded={shown}
            aria-label={`Table: ${title}`}
            onClick={() => setShown(!shown)}
          >
            Table
          </Button>
        )}
        <Button
          look="quiet"
          aria-label={`CSV file: ${title}`}
          onClick={() => download(csvOf(columns, rows), fileName(...fileParts))}
        >
          CSV
        </Button>
      </>
    ),
    table,
  };
}

function download(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads the file after this task.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
