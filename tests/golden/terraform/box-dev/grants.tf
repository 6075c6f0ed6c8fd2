# Who may talk to whom, and to which ports; what is not here is refused
module "reach" {
  source = "../modules/reach"
  name   = "shop-dev-reach"
  allowed = {
    "internet to box" = [443, 80]
    "box to internet" = [443]
  }
  groups = {
    box = module.box.security_group_id
  }
  addresses = {
    internet = "0.0.0.0/0"
  }
}

# Who may do what, with the edge of the workload that asks for it
module "access" {
  source = "../modules/access"
  name   = "shop-dev"
  roles = {
    box = module.box.role_name
  }
  statements = {
    # api read session-key, api read admin-key, reads which image to run (workload.py:13)
    ApiReadSessionKeyAdminKey = { role = "box", actions = ["secretsmanager:GetSecretValue"], resources = [module.session_key.arn, module.admin_key.arn, module.release.arn] }
    # api read session-key, reads which image to run (workload.py:13)
    ApiReadSessionKeyKey = { role = "box", actions = ["kms:Decrypt"], resources = [module.keys.data_key_arn], when = { StringEquals = { "kms:ViaService" = ["secretsmanager.eu-west-1.amazonaws.com"] } } }
    # pulls the workload's image
    PullImage = { role = "box", actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], resources = [module.images.repository_arn] }
    # signs in to the registry; AWS knows no narrower resource
    SignInToRegistry = { role = "box", actions = ["ecr:GetAuthorizationToken"], resources = ["*"] }
    # Session Manager instead of an open port; AWS knows no narrower resource
    BeManaged = { role = "box", actions = ["ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"], resources = ["*"] }
    # disk, memory and backups, in their own namespaces alone
    PublishMetrics = { role = "box", actions = ["cloudwatch:PutMetricData"], resources = ["*"], when = { StringEquals = { "cloudwatch:namespace" = ["CWAgent", "rung"] } } }
    # writes the logs of its containers
    WriteLogs = { role = "box", actions = ["logs:CreateLogStream", "logs:PutLogEvents"], resources = ["${module.box.log_group_arn}:*"] }
    # backups and restores
    WriteBackups = { role = "box", actions = ["s3:GetObject", "s3:PutObject"], resources = ["${module.backups.arn}/*"] }
    # finds the last backup
    ListBackups = { role = "box", actions = ["s3:ListBucket"], resources = [module.backups.arn] }
    # backups are encrypted
    WriteBackupsKey = { role = "box", actions = ["kms:Decrypt", "kms:GenerateDataKey"], resources = [module.keys.data_key_arn], when = { StringEquals = { "kms:ViaService" = ["s3.eu-west-1.amazonaws.com"] } } }
  }
}
