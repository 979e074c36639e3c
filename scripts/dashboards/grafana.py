"""Grafana's dashboard model in a few calls: panels that place themselves in a grid of 24 columns, and what surrounds them.

A target is (expression, legend). Every panel has a title, a description and a unit; the data source is always the variable.
"""
import copy

SCHEMA = 39  # Grafana 10.4
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
PALETTE = {"mode": "palette-classic"}
GREEN, ORANGE, RED = "green", "orange", "red"


def thresholds(*steps: tuple) -> dict:
    """thresholds((0.01, ORANGE), (0.05, RED)): green below the first."""
    return {"mode": "absolute", "steps": [{"color": GREEN, "value": None}] + [{"color": c, "value": v} for v, c in steps]}


NO_THRESHOLDS = thresholds()


class Dashboard:
    def __init__(self, uid: str, title: str, description: str, variables: list):
        self.uid, self.title, self.description, self.variables = uid, title, description, variables
        self.panels: list = []
        self._x = self._y = self._line = 0

    def row(self, title: str):
        self._new_line()
        self._append({"type": "row", "title": title, "collapsed": False, "panels": []}, 24, 1)
        self._new_line()

    def stat(self, title: str, description: str, expression: str, unit: str, steps: dict = NO_THRESHOLDS, width: int = 3,
             spark: bool = False, mappings: list | None = None):
        panel = self._panel("stat", title, description, [(expression, "")], unit, steps, instant=not spark)
        panel["fieldConfig"]["defaults"] |= {"color": {"mode": "thresholds"}, "mappings": mappings or []}
        panel["options"] = {"colorMode": "value", "graphMode": "area" if spark else "none", "justifyMode": "auto",
                            "orientation": "auto", "textMode": "auto",
                            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
        self._append(panel, width, 4)

    def series(self, title: str, description: str, targets: list, unit: str, steps: dict = NO_THRESHOLDS, width: int = 8,
               stacked: bool = False, minimum: float | None = 0, maximum: float | None = None):
        panel = self._panel("timeseries", title, description, targets, unit, steps)
        defaults = panel["fieldConfig"]["defaults"]
        defaults["custom"] = {"drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "showPoints": "never",
                              "spanNulls": False, "fillOpacity": 25 if stacked else 8,
                              "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
                              "thresholdsStyle": {"mode": "off" if steps is NO_THRESHOLDS else "dashed"}}
        defaults |= {"color": PALETTE} | ({} if minimum is None else {"min": minimum}) | ({} if maximum is None else {"max": maximum})
        panel["options"] = {"legend": {"calcs": ["mean", "max"], "displayMode": "table", "placement": "bottom", "showLegend": True},
                            "tooltip": {"mode": "multi", "sort": "desc"}}
        self._append(panel, width, 8)

    def heatmap(self, title: str, description: str, expression: str, unit: str, width: int = 8):
        panel = self._panel("heatmap", title, description, [(expression, "{{le}}")], "short", NO_THRESHOLDS)
        panel["targets"][0]["format"] = "heatmap"
        panel["fieldConfig"] = {"defaults": {"custom": {"scaleDistribution": {"type": "linear"}}}, "overrides": []}
        panel["options"] = {"calculate": False, "cellGap": 1, "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64},
                            "yAxis": {"axisPlacement": "left", "unit": unit}, "tooltip": {"show": True, "yHistogram": True},
                            "legend": {"show": True}, "rowsFrame": {"layout": "auto"}}
        self._append(panel, width, 8)

    def table(self, title: str, description: str, columns: list, by: str, width: int = 24, link: dict | None = None, height: int = 9):
        """columns: (title, expression, unit, thresholds or None); all expressions are `by` the same label, which is the first column."""
        panel = self._panel("table", title, description, [(expression, "") for _, expression, _, _ in columns], "short",
                            NO_THRESHOLDS, instant=True)
        overrides = []
        for letter, (name, _, unit, steps) in zip("ABCDEFGHIJ", columns):
            properties = [{"id": "displayName", "value": name}, {"id": "unit", "value": unit}]
            if steps:
                properties += [{"id": "thresholds", "value": steps},
                               {"id": "custom.cellOptions", "value": {"type": "color-text"}},
                               {"id": "color", "value": {"mode": "thresholds"}}]
            overrides.append({"matcher": {"id": "byName", "options": f"Value #{letter}"}, "properties": properties})
        if link:
            overrides.append({"matcher": {"id": "byName", "options": by}, "properties": [{"id": "links", "value": [link]}]})
        panel["fieldConfig"]["overrides"] = overrides
        panel["transformations"] = [{"id": "merge", "options": {}},
                                    {"id": "organize", "options": {"excludeByName": {"Time": True}, "indexByName": {by: 0}}}]
        panel["options"] = {"cellHeight": "sm", "showHeader": True, "sortBy": [{"displayName": columns[0][0], "desc": True}]}
        for target in panel["targets"]:
            target["format"] = "table"
        self._append(panel, width, height)

    def _panel(self, kind, title, description, targets, unit, steps, instant=False) -> dict:
        return {"type": kind, "title": title, "description": description, "datasource": DATASOURCE,
                "targets": [{"refId": letter, "datasource": DATASOURCE, "editorMode": "code", "expr": expression,
                             "legendFormat": legend or "__auto", "instant": instant, "range": not instant}
                            for letter, (expression, legend) in zip("ABCDEFGHIJ", targets)],
                "fieldConfig": {"defaults": {"unit": unit, "thresholds": steps, "mappings": []}, "overrides": []}}

    def _append(self, panel: dict, width: int, height: int):
        if self._x + width > 24:
            self._new_line()
        self.panels.append({"id": len(self.panels) + 1, "gridPos": {"x": self._x, "y": self._y, "w": width, "h": height}, **panel})
        self._x += width
        self._line = max(self._line, height)

    def _new_line(self):
        self._y += self._line
        self._x = self._line = 0

    def json(self) -> dict:
        return copy.deepcopy({
            "uid": self.uid, "title": self.title, "description": self.description, "tags": ["steelyard"],
            "schemaVersion": SCHEMA, "version": 1, "editable": True, "graphTooltip": 1, "timezone": "browser", "refresh": "30s",
            "time": {"from": "now-1h", "to": "now"}, "annotations": {"list": []},
            "links": [{"type": "dashboards", "title": "Steelyard", "tags": ["steelyard"], "asDropdown": True, "includeVars": True,
                       "keepTime": True, "icon": "external link", "tooltip": "", "targetBlank": False, "url": ""}],
            "templating": {"list": [_datasource()] + self.variables}, "panels": self.panels})


def _datasource() -> dict:
    return {"name": "datasource", "type": "datasource", "label": "Data source", "query": "prometheus", "regex": "", "hide": 0,
            "multi": False, "includeAll": False, "current": {}, "options": [], "refresh": 1, "skipUrlSync": False}


def variable(name: str, label: str, query: str, every: bool) -> dict:
    """A variable with the values of a label; `every`: several can be chosen, and all of them are, to begin with."""
    result = {"name": name, "type": "query", "label": label, "datasource": DATASOURCE, "definition": query,
              "query": {"query": query, "refId": f"Variable-{name}"}, "regex": "", "sort": 1, "refresh": 2, "hide": 0,
              "multi": every, "includeAll": every, "current": {}, "options": [], "skipUrlSync": False}
    if every:  # also what carries no such label, as outside a cluster
        result |= {"allValue": ".*", "current": {"selected": True, "text": ["All"], "value": ["$__all"]}}
    return result
