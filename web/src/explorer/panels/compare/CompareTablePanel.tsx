import { SCALES } from "../../../shared/airQualityScale";
import { Button } from "../../../shared/Button";
import { formatCount, formatShare, formatValue } from "../../../shared/format";
import { QUANTITIES, type Quantity } from "../../../shared/quantity";
import { type TableColumn, TableRows } from "../../../shared/TableRows";
import { usePanelSettings } from "../context";
import type { Column } from "../frame/columns";
import { toTableColumn, useChartData } from "../frame/DataTable";
import { Panel } from "../frame/Panel";
import { ScrollTable } from "../frame/ScrollTable";
import type { PanelQuery } from "../frame/usePanelQuery";
import { IndexBadge } from "../index/IndexBadge";
import { Meaning } from "../meaning/Meaning";
import { comparedMeaning } from "../meaning/sentence";
import type { ComparedSubject, Comparison } from "./comparison";
import { SubjectMark } from "./SubjectMark";

const TITLE = "Statistics compared";

/** Statistics of the compared subjects, one row each. */
export function CompareTablePanel({ query }: { query: PanelQuery<Comparison> }) {
  const { quantity, scale, onChange } = usePanelSettings();
  const columns = statisticColumns(quantity);
  const { actions } = useChartData(TITLE, ["compared", "statistics"], {
    caption: TITLE,
    columns: [{ header: "Name", name: "name", text: ({ name }) => name, value: ({ name }) => name }, ...columns],
    rows: query.data?.subjects ?? [],
    rowKey: ({ name }) => name,
  }, false);
  return (
    <Panel title={TITLE} query={query} actions={actions} lines={5}>
      {({ subjects }) => {
        const shown: TableColumn<ComparedSubject>[] = [
          {
            header: "Name",
            cell: ({ subject, name }, index) => (
              <Button look="quiet" className="row-button" onClick={() => onChange({ subjects: [subject] })}>
                <SubjectMark index={index} /> {name}
              </Button>
            ),
          },
          ...columns.map(toTableColumn),
        ];
        if (subjects.some(({ index }) => index !== null)) {
          shown.push({ header: SCALES[scale].label, cell: ({ index }) => <IndexCell index={index} /> });
        }
        return (
          <>
            <ScrollTable label={TITLE}>
              <TableRows columns={shown} rows={subjects} rowKey={(_, index) => index} />
            </ScrollTable>
            <Meaning section="Statistics">
              {comparedMeaning(
                subjects.reduce((sum, { total }) => sum + total.quantity.invalidCount, 0),
                QUANTITIES[quantity].label,
              )}
            </Meaning>
          </>
        );
      }}
    </Panel>
  );
}

function IndexCell({ index }: Pick<ComparedSubject, "index">) {
  return index ? (
    <span className="figure-index">
      <IndexBadge index={index} /> {index.band ?? "no index"}
    </span>
  ) : (
    "–"
  );
}

function statisticColumns(quantity: Quantity): Column<ComparedSubject>[] {
  const { unit } = QUANTITIES[quantity];
  const value = (
    header: string,
    of: (summary: ComparedSubject["total"]["quantity"]) => number | null,
  ): Column<ComparedSubject> => ({
    header,
    ...(unit !== "" && { unit }),
    name: header.toLowerCase().replaceAll(" ", "_"),
    numeric: true,
    text: ({ total }) => formatValue(of(total.quantity), quantity),
    value: ({ total }) => of(total.quantity),
  });
  return [
    value("Mean", ({ mean }) => mean),
    value("Median", ({ median }) => median),
    value("10 %", ({ p10 }) => p10),
    value("90 %", ({ p90 }) => p90),
    value("Highest", ({ max }) => max),
    {
      header: "Values (n)",
      name: "count",
      numeric: true,
      text: ({ total }) => formatCount(total.quantity.count),
      value: ({ total }) => total.quantity.count,
    },
    {
      header: "Hours with data",
      name: "coverage",
      numeric: true,
      text: ({ total }) => (total.coverage === null ? "–" : formatShare(total.coverage)),
      value: ({ total }) => total.coverage,
    },
  ];
}
