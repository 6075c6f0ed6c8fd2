output "arns" {
  description = "ARNs that readers are allowed and given, by the key in secrets; the values are read at run time."
  value       = { for key, secret in module.secret : key => secret.arn }
}

output "names" {
  description = "Names of the secrets, by the key in secrets."
  value       = { for key, secret in module.secret : key => secret.name }
}

output "bindings" {
  description = "What a task is told of each, the variable RUNG_BINDING_<NAME> as JSON: where it is, never its value."
  value = {
    for key, secret in module.secret : key => {
      kind   = "secret"
      source = "secretsmanager"
      arn    = secret.arn
      region = split(":", secret.arn)[3]
    }
  }
}
