# All alarms of an environment: kinds say how things are watched, rows what is watched so and where the limits are.

locals {
  given = jsondecode(file("${path.module}/kinds.json"))
  known = keys(local.given)

  kinds = {
    for name, kind in merge(local.given, var.kinds) : name => {
      name             = kind.name
      dimensions       = kind.dimensions
      runbook          = coalesce(try(kind.runbook, null), name)
      metrics          = try(kind.metric, null) == null ? tomap(kind.metrics) : tomap({ m1 = kind.metric })
      expression       = try(kind.expression, null)
      comparison       = try(kind.comparison, ">")
      period_seconds   = try(kind.period_seconds, 60)
      periods          = try(kind.periods, 3)
      periods_to_alarm = try(kind.periods_to_alarm, 2)
      missing          = try(kind.missing, "notBreaching")
      severity         = try(kind.severity, "page")
    }
  }

  alarms = merge(flatten([
    for row, watched in var.alarms : [
      for kind, limit in watched.limits : {
        "${row}-${local.kinds[kind].name}" = {
          kind      = kind
          threshold = limit
          metrics = [
            for id, words in local.kinds[kind].metrics : {
              id         = id
              namespace  = split(" ", words)[0]
              name       = split(" ", words)[1]
              statistic  = split(" ", words)[2]
              dimensions = { for dimension, key in local.kinds[kind].dimensions : dimension => watched.of[key] if contains(keys(watched.of), key) }
            }
          ]
        }
      }
    ]
  ])...)
}

module "alarm" {
  source   = "../alarm"
  for_each = local.alarms

  name             = "${var.name}-${each.key}"
  description      = replace(local.kinds[each.value.kind].runbook, "-", " ")
  metrics          = each.value.metrics
  expression       = local.kinds[each.value.kind].expression
  comparison       = local.kinds[each.value.kind].comparison
  threshold        = each.value.threshold
  period_seconds   = local.kinds[each.value.kind].period_seconds
  periods          = local.kinds[each.value.kind].periods
  periods_to_alarm = local.kinds[each.value.kind].periods_to_alarm
  missing          = local.kinds[each.value.kind].missing
  severity         = local.kinds[each.value.kind].severity
  runbook_url      = "${var.runbooks_url}/${local.kinds[each.value.kind].runbook}.md"
  topic_arn        = lookup(var.topic_arns, local.kinds[each.value.kind].severity, null)
}
