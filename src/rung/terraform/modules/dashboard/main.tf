locals {
  # CloudWatch lays widgets out on 24 columns.
  columns     = 24
  graph_width = 6
  graph_rows  = 6
  per_row     = local.columns / local.graph_width

  alarm_rows = length(var.alarm_arns) == 0 ? 0 : 2 + ceil(length(var.alarm_arns) / 6)

  # A heading of one row, then the graphs.
  heights = [for group in var.groups : 1 + local.graph_rows * ceil(length(group.graphs) / local.per_row)]
  tops    = [for index in range(length(var.groups)) : local.alarm_rows + sum(concat([0], slice(local.heights, 0, index)))]

  alarms = [for arns in [var.alarm_arns] : {
    type       = "alarm"
    x          = 0
    y          = 0
    width      = local.columns
    height     = local.alarm_rows
    properties = { title = "Alarms", alarms = arns }
  } if length(arns) > 0]

  headings = [for index, group in var.groups : {
    type       = "text"
    x          = 0
    y          = local.tops[index]
    width      = local.columns
    height     = 1
    properties = { markdown = "## ${group.title}", background = "transparent" }
  }]

  graphs = flatten([for index, group in var.groups : [for position, graph in group.graphs : {
    type   = "metric"
    x      = position % local.per_row * local.graph_width
    y      = local.tops[index] + 1 + floor(position / local.per_row) * local.graph_rows
    width  = local.graph_width
    height = local.graph_rows
    properties = merge(
      {
        title  = graph.title
        region = coalesce(graph.region, var.region)
        view   = "timeSeries"
        period = graph.period
        yAxis  = { left = { min = 0 } }
        # CloudWatch reads a metric as an array: its names, its dimensions, and how it is drawn.
        metrics = [for metric in graph.metrics : jsondecode(metric.expression == null ? jsonencode(concat(
          [metric.namespace, metric.name],
          flatten([for dimension, value in metric.dimensions : [dimension, value]]),
          [merge(
            { stat = metric.statistic, visible = metric.visible },
            { for key, value in { id = metric.id, label = metric.label } : key => value if value != null },
          )],
          )) : jsonencode([merge(
            { expression = metric.expression, visible = metric.visible },
            { for key, value in { id = metric.id, label = metric.label } : key => value if value != null },
        )]))]
      },
      graph.limit == null ? {} : { annotations = { horizontal = [{ label = "limit", value = graph.limit }] } },
    )
  }]])
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({ widgets = concat(local.alarms, local.headings, local.graphs) })
}
