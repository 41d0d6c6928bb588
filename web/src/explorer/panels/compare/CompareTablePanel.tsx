import { SCALES } from "../../../shared/airQualityScale";
import { formatCount, formatShare, formatValue } from "../../../shared/format";
import { QUANTITIES, type Quantity } from "../../../shared/quantity";
import { usePanelSettings } from "../context";
import type { Column } from "../frame/columns";
import { ColumnHeaders, useChartData } from "../frame/DataTable";
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
        const indices = subjects.some(({ index }) => index !== null);
        return (
          <>
            <ScrollTable label={TITLE}>
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <ColumnHeaders columns={columns} />
                  {indices && <th scope="col">{SCALES[scale].label}</th>}
                </tr>
              </thead>
              <tbody>
                {subjects.map((compared, index) => (
                  <tr key={index}>
                    <th scope="row">
                      <button
                        type="button"
                        className="button button-quiet row-button"
                        onClick={() => onChange({ subjects: [compared.subject] })}
                      >
                        <SubjectMark index={index} /> {compared.name}
                      </button>
                    </th>
                    {columns.map(({ name, text }) => (
                      <td key={name} className="number">
                        {text(compared)}
                      </td>
                    ))}
                    {indices && (
                      <td>
                        {compared.index ? (
                          <span className="figure-index">
                            <IndexBadge index={compared.index} /> {compared.index.band ?? "no index"}
                          </span>
                        ) : (
                          "–"
                        )}
                      </td>
                    )}
                  </tr>
                ))}
              </tbody>
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
