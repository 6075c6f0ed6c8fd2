# Several may do these alike; a key is used by way of the service whose data it encrypts, and no other
locals {
  secretsmanager_read_key = { arn = module.keys.data_key_arn, actions = ["kms:Decrypt"], through = "secretsmanager.${local.region}.amazonaws.com" }
  s3_write_key            = { arn = module.keys.data_key_arn, actions = ["kms:Decrypt", "kms:GenerateDataKey"], through = "s3.${local.region}.amazonaws.com" }
}

# Who may talk to whom, and who may do what, with what of the workload asks for it; the rest is refused
module "grants" {
  source  = "../modules/grants"
  name    = "shop-staging"
  parties = [module.box.party]
  allowed = {
    internet = { box = [443, 80] }
    box      = { internet = [443] }
  }
  addresses = { internet = "0.0.0.0/0" }
  statements = {
    # api: read session-key, admin-key (workload.py:13). reads which image to run
    ApiReadSessionKeyAdminKey = { role = "box", actions = ["secretsmanager:GetSecretValue"], resources = values(module.secrets.arns), key = local.secretsmanager_read_key }
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
    # backups and restores. backups are encrypted
    WriteBackups = { role = "box", actions = ["s3:GetObject", "s3:PutObject"], resources = ["${module.backups.arn}/*"], key = local.s3_write_key }
    # finds the last backup
    ListBackups = { role = "box", actions = ["s3:ListBucket"], resources = [module.backups.arn] }
  }
}
