// Which of Grafana 10.0's types our boards are held against: those of panels and queries. Its type of
// a whole board was still incomplete. Grafana fills in what an option leaves out, hence Partial.
import * as grafana from '@grafana/schema';
import * as prometheus from '@grafana/schema/dist/esm/raw/composable/prometheus/dataquery/x/PrometheusDataQuery_types.gen';
import * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import * as heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import * as statetimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import * as text from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

export interface Types {
  target: prometheus.PrometheusDataQuery;
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
