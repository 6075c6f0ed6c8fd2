output "names" {
  description = "Names of the alarms by row."
  value       = { for name, alarm in module.alarm : name => alarm.name }
}

output "arns" {
  description = "ARNs of the alarms: what a dashboard shows at its top."
  value       = values(module.alarm)[*].arn
}

output "graphs" {
  description = "One group for each kind, one graph for each alarm of it, with the limit as a line: what a dashboard shows."
  value = [
    for kind in sort(distinct([for alarm in local.alarms : alarm.kind])) : {
      title = replace(kind, "-", " ")
      graphs = [
        for name, alarm in local.alarms : {
          title  = name
          period = local.kinds[kind].period_seconds
          limit  = alarm.threshold
          metrics = concat(
            [for metric in alarm.metrics : merge(metric, { expression = null, label = metric.name, visible = local.kinds[kind].expression == null })],
            [for expression in local.kinds[kind].expression[*] : {
              id         = "result"
              namespace  = null
              name       = null
              statistic  = "Average"
              dimensions = {}
              expression = expression
              label      = name
              visible    = true
            }],
          )
        } if alarm.kind == kind
      ]
    }
  ]
}
