# All alarms of an environment from two tables: how things are watched, and what is watched so.

locals {
  kinds = {
    for name, kind in var.kinds : name => merge(kind, {
      runbook = coalesce(kind.runbook, name)
      metrics = kind.metric == null ? kind.metrics : { m1 = kind.metric }
    })
  }

  alarms = {
    for name, row in var.alarms : name => {
      kind      = row.kind
      threshold = tonumber(row.limit)
      metrics = [
        for id, words in local.kinds[row.kind].metrics : {
          id         = id
          namespace  = split(" ", words)[0]
          name       = split(" ", words)[1]
          statistic  = split(" ", words)[2]
          dimensions = { for dimension, value in row : dimension => value if !contains(["kind", "limit"], dimension) }
        }
      ]
    }
  }
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
