output "alarm_names" {
  description = "Names of the alarms that tell somebody: fast burn, slow burn, budget burn."
  value       = [for burn in ["fast-burn", "slow-burn", "budget-burn"] : aws_cloudwatch_composite_alarm.burn[burn].alarm_name]
}

output "fast_burn_alarm_name" {
  description = "Metric alarm of the five-minute window: the quickest sign, for rolling deployments back and for stopping drills."
  value       = aws_cloudwatch_metric_alarm.window["fast-burn-5m"].alarm_name
}

output "fast_burn_alarm_arn" {
  description = "ARN of that alarm: the stop condition of a drill."
  value       = aws_cloudwatch_metric_alarm.window["fast-burn-5m"].arn
}
