output "start_arn" {
  description = "State machine that starts everything: aws stepfunctions start-execution --state-machine-arn <this>."
  value       = aws_sfn_state_machine.this["start"].arn
}

output "stop_arn" {
  description = "State machine that stops everything."
  value       = aws_sfn_state_machine.this["stop"].arn
}
