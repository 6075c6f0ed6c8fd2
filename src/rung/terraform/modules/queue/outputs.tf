output "urls" {
  description = "URLs that senders and consumers use, by lane."
  value       = { for lane, queue in module.lane : lane => queue.url }
}

output "arns" {
  description = "ARNs of the queues, by lane."
  value       = { for lane, queue in module.lane : lane => queue.arn }
}

output "names" {
  description = "Names of the queues, by lane: the dimension of their metrics."
  value       = { for lane, queue in module.lane : lane => queue.name }
}

output "dead_letter_urls" {
  description = "URLs of the dead-letter queues, by lane; empty when there are none."
  value       = { for lane, queue in module.lane : lane => queue.dead_letter_url if var.max_receive_count != null }
}

output "dead_letter_arns" {
  description = "ARNs of the dead-letter queues, by lane; empty when there are none."
  value       = { for lane, queue in module.lane : lane => queue.dead_letter_arn if var.max_receive_count != null }
}

output "dead_letter_names" {
  description = "Names of the dead-letter queues, by lane: the dimension of their alarms; empty when there are none."
  value       = { for lane, queue in module.lane : lane => queue.dead_letter_name if var.max_receive_count != null }
}

output "binding" {
  description = "What a task is told of it, the variable RUNG_BINDING_<NAME> as JSON: where its lanes are, and how long they hide and keep messages."
  value = merge(
    {
      kind                       = "queue"
      adapter                    = "sqs"
      urls                       = { for lane, queue in module.lane : lane => queue.url }
      lanes                      = var.lanes
      visibility_timeout_seconds = var.visibility_timeout_seconds
      retention_seconds          = var.retention_seconds
      region                     = split(":", module.lane[var.lanes[0]].arn)[3]
    },
    {
      for name, value in {
        max_receive_count = var.max_receive_count
        dead_letter_urls  = { for lane, queue in module.lane : lane => queue.dead_letter_url }
      } : name => value if var.max_receive_count != null
    },
  )
}

output "dimensions" {
  description = "What the metrics of its lanes and their dead-letter queues are about, by lane, as a row of the module alarms takes it."
  value       = { for lane, queue in module.lane : lane => { QueueName = queue.name, DeadLetterQueueName = queue.dead_letter_name } }
}
