import { type ReactNode, useMemo, useState } from "react";
import { Button } from "../../../shared/Button";
import { type TableColumn, TableRows } from "../../../shared/TableRows";
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
      <TableRows columns={columns.map(toTableColumn)} rows={rows} rowKey={rowKey} />
    </ScrollTable>
  );
}

export function toTableColumn<Row>({ header, unit, numeric, text }: Column<Row>): TableColumn<Row> {
  return { header, unit, numeric, cell: text };
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
