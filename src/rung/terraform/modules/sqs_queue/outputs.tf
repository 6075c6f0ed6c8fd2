output "url" {
  description = "URL that senders and consumers use."
  value       = aws_sqs_queue.this.url
}

output "arn" {
  description = "ARN of the queue."
  value       = aws_sqs_queue.this.arn
}

output "name" {
  description = "Name of the queue: the dimension of its metrics."
  value       = aws_sqs_queue.this.name
}

output "dead_letter_url" {
  description = "URL of the dead-letter queue; null when there is none."
  value       = one(aws_sqs_queue.dead[*].url)
}

output "dead_letter_arn" {
  description = "ARN of the dead-letter queue; null when there is none."
  value       = one(aws_sqs_queue.dead[*].arn)
}

output "dead_letter_name" {
  description = "Name of the dead-letter queue: the dimension of its alarm; null when there is none."
  value       = one(aws_sqs_queue.dead[*].name)
}
