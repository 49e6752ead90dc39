// Which of Grafana 13's types our boards are held against. Grafana fills in what an option leaves
// out, hence Partial.
import * as grafana from '@grafana/schema';
import * as dashboard from '@grafana/schema/dist/types/raw/dashboard/x/types.gen';
import * as bargauge from '@grafana/schema/dist/types/raw/composable/bargauge/panelcfg/x/types.gen';
import * as heatmap from '@grafana/schema/dist/types/raw/composable/heatmap/panelcfg/x/types.gen';
import * as stat from '@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen';
import * as statetimeline from '@grafana/schema/dist/types/raw/composable/statetimeline/panelcfg/x/types.gen';
import * as table from '@grafana/schema/dist/types/raw/composable/table/panelcfg/x/types.gen';
import * as text from '@grafana/schema/dist/types/raw/composable/text/panelcfg/x/types.gen';
import * as timeseries from '@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen';

export interface Types {
  dashboard: dashboard.Dashboard;
  options: {
    bargauge: Partial<bargauge.Options>;
    heatmap: Partial<heatmap.Options>;
    stat: Partial<stat.Options>;
    'state-timeline': Partial<statetimeline.Options>;
    table: Partial<table.Options>;
    text: Partial<text.Options>;
    timeseries: Partial<timeseries.Options>;
  };
  custom: {
    heatmap: Partial<heatmap.FieldConfig>;
    'state-timeline': Partial<statetimeline.FieldConfig>;
    table: Partial<grafana.TableFieldOptions>;
    timeseries: Partial<timeseries.FieldConfig>;
  };
}
